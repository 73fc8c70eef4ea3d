import { parseChainName, type SynLimit } from '../../src/wire/chain-name.ts'
import type { EnvoyAdmin } from './envoy-admin.ts'
import { chainsIn } from './listener-dump.ts'

/** What the listeners that Envoy uses now say of SYNs; null where the text is no dump of them. */
export function synLimitsIn (text: string): readonly SynLimit[] | null {
  return chainsIn(text)?.flatMap(({ name }) => {
    const chain = parseChainName(name)
    return chain?.kind === 'syn-limit' ? [{ ports: chain.ports, rate: chain.rate, burst: chain.burst }] : []
  }) ?? null
}

export interface SynLimitsOptions {
  readonly admin: Pick<EnvoyAdmin, 'listenersVersion' | 'listeners'>
  /** Told when it changes. */
  readonly onTrouble: (words: string) => void
}

/** The limits that Envoy's configuration asks for, read again when its listeners have changed. */
export class SynLimits {
  readonly #options: SynLimitsOptions
  #trouble = ''
  #known: { readonly version: string, readonly limits: readonly SynLimit[] } = { version: '', limits: [] }

  constructor (options: SynLimitsOptions) {
    this.#options = options
  }

  /** As of now; where Envoy does not tell, those of before. */
  async now (): Promise<readonly SynLimit[]> {
    const { admin } = this.#options
    const version = await admin.listenersVersion() ?? this.#known.version
    if (version === this.#known.version) return this.#known.limits
    const answer = await admin.listeners()
    const limits = answer.ok ? synLimitsIn(answer.text) : null
    this.#tell(limits !== null ? '' : answer.ok ? 'Envoy\'s answer is no dump of listeners' : answer.why)
    if (limits !== null) this.#known = { version, limits }
    return this.#known.limits
  }

  #tell (trouble: string): void {
    if (trouble !== '' && trouble !== this.#trouble) this.#options.onTrouble(trouble)
    this.#trouble = trouble
  }
}

const MOST_PACKETS = 0xffff_ffff
const UNITS = [['second', 1], ['minute', 60], ['hour', 3_600], ['day', 86_400]] as const

/** As nft writes it: whole packets in the shortest time that has one, and at least one at once. */
export function beyondLimit ({ rate, burst }: Pick<SynLimit, 'rate' | 'burst'>): string {
  const [unit, seconds] = UNITS.find(([, length]) => rate * length >= 1) ?? UNITS[3]
  const packets = (count: number): number => Math.min(MOST_PACKETS, Math.max(1, Math.floor(count)))
  return `limit rate over ${packets(rate * seconds)}/${unit} burst ${packets(burst)} packets`
}
