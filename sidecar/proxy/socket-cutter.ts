import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { wait } from '../../src/wire/wait.ts'
import { type Denial, denialsOf } from './denials.ts'
import type { EnvoyAdmin } from './envoy-admin.ts'

const run = promisify(execFile)

/** From a change of Envoy's listeners to the first cut; then looked after until nothing can be left. */
const LOOK_MS = 300
/** A connection can have been taken by the old chain while the new one came. */
const LOOKS_AFTER_CHANGE = 5
const CUT_MS = 2_000

export interface SocketCutterOptions {
  readonly admin: EnvoyAdmin
  /** Where the redirect to the pod ends. */
  readonly inboundPort: number
  /** Told when it changes. */
  readonly onTrouble: (words: string) => void
}

/**
 * Destroys the sockets that a denied address had open before its denial: Envoy leaves those in the chain that they began
 * in. Level-based: it goes by the chains that Envoy uses now, and needs NET_ADMIN (sock_diag(7), SOCK_DESTROY). Behind a
 * redirect a socket does not tell which port its client meant, so a denial of single ports cuts only what did not pass
 * the proxy.
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
    do {
      const version = await admin.listenersVersion() ?? ''
      if (version !== seen) [seen, looks] = [version, version === '' ? 0 : LOOKS_AFTER_CHANGE]
      if (looks === 0) continue
      looks--
      const denials = denialsOf(await admin.listeners() ?? '')
      if (denials.length > 0) await this.#cut(denials)
    } while (await wait(LOOK_MS, signal))
  }

  async #cut (denials: readonly Denial[]): Promise<void> {
    const { inboundPort, onTrouble } = this.#options
    let trouble = ''
    try {
      // In parts: a command line has a bound.
      for (let at = 0; at < denials.length; at += PART) {
        const filter = denials.slice(at, at + PART).map((denial) => `( ${socketsOf(denial, inboundPort)} )`).join(' or ')
        const { stderr } = await run('ss', ['-K', '-t', '-n', 'state', 'connected', filter], { timeout: CUT_MS })
        if (stderr.trim() !== '') trouble = stderr.trim()
      }
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error)
    }
    if (trouble !== '' && trouble !== this.#trouble) onTrouble(trouble)
    this.#trouble = trouble
  }
}

const PART = 100

/** In ss's words (ss(8), FILTER). A client of IPv4 of a listener that takes both has an address that is mapped. */
export function socketsOf ({ side, address, port }: Denial, inboundPort: number): string {
  const peer = address.includes(':') ? `dst [${address}]` : `( dst ${address} or dst [::ffff:${address}] )`
  if (side === 'destination') return port === null ? peer : `${peer} and dport = :${port}`
  return `${peer} and sport = :${port ?? inboundPort}`
}
