import type { Writable } from 'node:stream'
import { Command, InvalidArgumentError, Option } from 'commander'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** What AutoShield takes from the environment; a flag of the same meaning wins. */
export interface Settings {
  /** null where nobody said: then it is on where a cluster is configured, and off in standalone mode. */
  readonly enableActuation: boolean | null
  /** Folder of model and manifest; empty for the shipped one. */
  readonly modelPath: string
  /** MODEL_STORE: folder of the installed models; empty for that of the data folder. */
  readonly modelStore: string
  /** MODEL_KEYS: file of the public keys of those who sign models; empty where nobody does. */
  readonly modelKeys: string
  /** ALLOW_UNSIGNED_MODEL. */
  readonly allowUnsignedModel: boolean
  readonly logLevel: (typeof LOG_LEVELS)[number]
  readonly useGpu: boolean
  /** KUBECONFIG: a path, or several; empty where it is not set. */
  readonly kubeconfig: string
  /** Where kubectl keeps its kubeconfig: `~/.kube/config`; empty where there is no home. */
  readonly usualKubeconfig: string
  /** The API server that the kubelet named to this pod; null outside of pods. */
  readonly inCluster: { readonly host: string, readonly port: string } | null
}

/** What a verb may touch of the world; `main.ts` makes it. */
export interface CliContext {
  readonly stdout: Writable
  readonly stderr: Writable
  /** True where stderr is a terminal, so that progress may redraw its line. */
  readonly interactive: boolean
  readonly settings: Settings
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  readonly version: string
  /** The program file, for the processes that `up` starts. */
  readonly program: string
  /** Tells the process that started this one something; null where none did. */
  readonly tellParent: ((message: object) => void) | null
}

/** Exit statuses: see README.md, "Exit status". */
export const EXIT = { ok: 0, usage: 64, findings: 79 } as const

/** A verb's action resolves to its exit status. */
export function verb (name: string, summary: string, examples: readonly string[]): Command {
  return new Command(name)
    .description(summary)
    .exitOverride() // commander hands neither of the two on to commands that are added
    .showHelpAfterError('(add --help for the flags and examples)')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}\n`)
}

export const dataOption = (): Option =>
  new Option('--data <dir>', 'folder of the store, the audit trail and the CA').default('.autoshield')

/** Parses a number in (min, max], for commander. */
export function numberIn (min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!(value > min && value <= max)) throw new InvalidArgumentError(`It must be a number above ${min} and at most ${max}.`)
    return value
  }
}

/** Parses an option that is a whole number from `min` to `max`. */
export function wholeNumberIn (min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < min || value > max) throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
    return value
  }
}

/** Parses a TCP port; 0 asks the system for a free one. */
export function port (text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65535) throw new InvalidArgumentError('It must be a port from 0 to 65535.')
  return value
}
