import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { addressText, parseAddress } from '../src/core/flow/address.ts'
import { wait } from '../src/wire/wait.ts'
import { isOwn, type Endpoint, type OwnTraffic } from './own-traffic.ts'

/** Every address of a name; none where it cannot be resolved now. */
export type Resolve = (host: string) => Promise<readonly string[]>

export interface OwnConversationsOptions {
  /** Detector and issuer; names are resolved. */
  readonly called: readonly { readonly host: string, readonly port: number }[]
  readonly listens: readonly Endpoint[]
  readonly resolve?: Resolve
  readonly everyMs?: number
  /** While a name has no address yet: as soon as it has one the observer calls it. */
  readonly retryMs?: number
}

const EVERY_MS = 30_000
const RETRY_MS = 2_000

/**
 * What the observer itself says and hears, as of now. A name that cannot be resolved keeps the addresses that it had; one that never had
 * any is asked for again soon.
 */
export class OwnConversations {
  isOwn: ReturnType<typeof isOwn>
  readonly #options: OwnConversationsOptions
  /** Of each called one, the newest addresses. */
  readonly #found: Endpoint[][]
  #outdated = new AbortController()

  constructor (options: OwnConversationsOptions) {
    this.#options = options
    this.#found = options.called.map(() => [])
    this.isOwn = isOwn(this.#traffic())
  }

  /** `outdated` aborts as soon as others are known. */
  async now (): Promise<{ readonly traffic: OwnTraffic, readonly outdated: AbortSignal }> {
    await this.#look()
    return { traffic: this.#traffic(), outdated: this.#outdated.signal }
  }

  /** Keeps them new until the signal aborts. */
  async follow (signal: AbortSignal): Promise<void> {
    const { everyMs = EVERY_MS, retryMs = RETRY_MS } = this.#options
    do await this.#look()
    while (await wait(this.#found.every(({ length }) => length > 0) ? everyMs : retryMs, signal))
  }

  async #look (): Promise<void> {
    const { called, resolve = lookUp } = this.#options
    const before = textOf(this.#found)
    await Promise.all(called.map(async ({ host, port }, index) => {
      const addresses = isIP(host) === 0 ? await resolve(host) : [host]
      if (addresses.length > 0) this.#found[index] = addresses.map((address) => ({ address: canonical(address), port }))
    }))
    if (textOf(this.#found) === before) return
    this.isOwn = isOwn(this.#traffic())
    this.#outdated.abort()
    this.#outdated = new AbortController()
  }

  #traffic (): OwnTraffic {
    return { called: this.#found.flat(), listens: this.#options.listens }
  }
}

/** The same for the same addresses, in whatever order a name server gives them. */
const textOf = (found: readonly (readonly Endpoint[])[]): string => [...new Set(found.flat().map(({ address, port }) => `${address} ${port}`))].sort().join()

async function lookUp (host: string): Promise<string[]> {
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.map(({ address }) => address)
}

function canonical (address: string): string {
  const words = parseAddress(address)
  return words === null ? address : addressText(words, 0)
}
