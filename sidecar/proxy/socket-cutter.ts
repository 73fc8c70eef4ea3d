import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { AutoshieldError } from '../../src/core/errors.ts'
import { wait } from '../../src/wire/wait.ts'
import { type Denial, denialsOf } from './denials.ts'
import type { EnvoyAdmin } from './envoy-admin.ts'

const run = promisify(execFile)

/** From a change of Envoy's listeners to the first cut; then looked after until nothing can be left. */
const LOOK_MS = 300
/** A connection can have been taken by the old chain while the new one came. */
const LOOKS_AFTER_CHANGE = 5
const CUT_MS = 2_000
const READ_AGAIN_MS = 1_000
/** An argument of a command has 128 KiB at most (execve(2)). */
const MAX_FILTER_CHARS = 64 * 1024

export interface SocketCutterOptions {
  readonly admin: Pick<EnvoyAdmin, 'listenersVersion' | 'listeners'>
  /** Where the redirect to the pod ends. */
  readonly inboundPort: number
  /** Told when it changes. */
  readonly onTrouble: (words: string) => void
}

/**
 * Destroys the sockets that a denied address had open before its denial: Envoy leaves those in the chain that they began
 * in. Level-based: it goes by the chains that Envoy uses now, and needs NET_ADMIN (sock_diag(7), SOCK_DESTROY). Behind a
 * redirect a socket does not tell which port its client meant, so a denial of single ports cuts only what did not pass
 * the proxy. What cannot be read or cut is told, and tried again.
 */
export class SocketCutter {
  readonly #options: SocketCutterOptions
  #trouble = ''

  constructor (options: SocketCutterOptions) {
    this.#options = options
  }

  /** Until the signal aborts. */
  async run (signal: AbortSignal): Promise<void> {
    const { admin } = this.#options
    let [seen, looks] = ['', 0]
    let denials: readonly Denial[] | null = null
    do {
      const version = await admin.listenersVersion() ?? ''
      if (version !== seen) [seen, looks, denials] = [version, version === '' ? 0 : LOOKS_AFTER_CHANGE, null]
      if (looks === 0) continue
      try {
        denials ??= await this.#read()
        looks--
        await this.#cut(denials)
        this.#tell('')
      } catch (error) {
        this.#tell(AutoshieldError.from(error).message)
      }
    } while (await wait(looks > 0 && denials === null ? READ_AGAIN_MS : LOOK_MS, signal))
  }

  /** Throws UNAVAILABLE. */
  async #read (): Promise<readonly Denial[]> {
    const answer = await this.#options.admin.listeners()
    const denials = answer.ok ? denialsOf(answer.text) : null
    if (denials === null) throw new AutoshieldError('UNAVAILABLE', `Envoy does not tell whom it denies (${answer.ok ? 'its answer is no dump of listeners' : answer.why}).`)
    return denials
  }

  /** Throws where a socket could not be destroyed. */
  async #cut (denials: readonly Denial[]): Promise<void> {
    const listening = denials.length > 0 ? await listeningPorts() : []
    let trouble = ''
    for (const filter of joined(denials.map((denial) => `( ${socketsOf(denial, this.#options.inboundPort, listening)} )`))) {
      const { stderr } = await run('ss', ['-K', '-t', '-n', 'state', 'connected', filter], { timeout: CUT_MS })
      if (stderr.trim() !== '') trouble = stderr.trim()
    }
    if (trouble !== '') throw new AutoshieldError('UNAVAILABLE', trouble)
  }

  #tell (trouble: string): void {
    if (trouble !== '' && trouble !== this.#trouble) this.#options.onTrouble(trouble)
    this.#trouble = trouble
  }
}

/** As few filters as commands take. */
function joined (terms: readonly string[]): readonly string[] {
  const filters: string[] = []
  for (const term of terms) {
    const last = filters.at(-1)
    if (last === undefined || last.length + term.length > MAX_FILTER_CHARS) filters.push(term)
    else filters[filters.length - 1] = `${last} or ${term}`
  }
  return filters
}

/** Ports of the network namespace that somebody listens on now. */
async function listeningPorts (): Promise<readonly number[]> {
  const { stdout } = await run('ss', ['-H', '-l', '-t', '-n'], { timeout: CUT_MS })
  return [...new Set(stdout.split('\n').map((line) => Number(/:(\d+)\s+\S+\s*$/.exec(line)?.[1] ?? 0)).filter((port) => port > 0))]
}

/**
 * In ss's words (ss(8), FILTER). A client of IPv4 of a listener that takes both has an address that is mapped. Of a source that is denied
 * everywhere also that goes which did not pass the proxy, because there was none then: to ports that the pod listens on. To a denied
 * destination only what the pod opened goes: not from one of those ports.
 */
export function socketsOf ({ side, address, port }: Denial, inboundPort: number, listening: readonly number[]): string {
  const peer = address.includes(':') ? `dst [${address}]` : `( dst ${address} or dst [::ffff:${address}] )`
  if (side === 'source') return `${peer} and ( ${(port === null ? [...new Set([inboundPort, ...listening])] : [port]).map((own) => `sport = :${own}`).join(' or ')} )`
  return [peer, ...port === null ? [] : [`dport = :${port}`], ...listening.map((own) => `sport != :${own}`)].join(' and ')
}
