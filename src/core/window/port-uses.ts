import { STEPS_MS, type PortUse } from './window.ts'

/** How many ports of a pair a window names; what goes on at others is one use of port 0 a protocol. */
export const MAX_NAMED_USES = 16
/** Uses in one window, over all pairs; beyond it no port is named any more. */
const MAX_USES = 65_536
/** Window length in ms of which uses are told: the longest, so that nothing is told twice. */
export const USES_STEP_MS = STEPS_MS[2]

type Growing = { -readonly [Field in keyof PortUse]: number }
export type UseGrowth = Partial<Omit<PortUse, 'protocol' | 'port'>>
interface Minute { readonly uses: Map<number, Growing[]>, count: number }

/**
 * Uses of each pair key in the 60 s windows that are open. Where a pair uses more ports than are named, those keep their names that
 * carried payload: a scan takes the place of another probe, never of a conversation.
 */
export class PortUses {
  readonly #minutes = new Map<number, Minute>()

  /** `window`: the number of the 60 s window. */
  add (window: number, key: number, protocol: number, port: number, growth: UseGrowth): void {
    const use = this.#find(this.#minuteOf(window), key, protocol, port)
    use.begun += growth.begun ?? 0
    use.carried += growth.carried ?? 0
    use.failed += growth.failed ?? 0
    use.bytesSent += growth.bytesSent ?? 0
    use.bytesReceived += growth.bytesReceived ?? 0
  }

  /** Uses by key of a window that is over; forgets it, and all before it. */
  take (window: number): ReadonlyMap<number, readonly PortUse[]> {
    const taken = this.#minutes.get(window)?.uses ?? new Map<number, PortUse[]>()
    for (const number of this.#minutes.keys()) if (number <= window) this.#minutes.delete(number)
    for (const uses of taken.values()) if (uses.length > 1) uses.sort((one, other) => one.protocol - other.protocol || one.port - other.port)
    return taken
  }

  clear (): void {
    this.#minutes.clear()
  }

  #minuteOf (window: number): Minute {
    const known = this.#minutes.get(window)
    if (known !== undefined) return known
    const fresh = { uses: new Map<number, Growing[]>(), count: 0 }
    this.#minutes.set(window, fresh)
    return fresh
  }

  #find (minute: Minute, key: number, protocol: number, port: number): Growing {
    let uses = minute.uses.get(key)
    if (uses === undefined) minute.uses.set(key, uses = [])
    const known = uses.find((use) => use.port === port && use.protocol === protocol)
    if (known !== undefined) return known
    if (port === 0) return open(minute, uses, protocol, 0)
    const named = uses.filter((use) => use.port !== 0)
    if (named.length < MAX_NAMED_USES && minute.count < MAX_USES) return open(minute, uses, protocol, port)
    const probe = named.find(({ bytesSent, bytesReceived }) => bytesSent + bytesReceived === 0)
    if (probe === undefined) return this.#find(minute, key, protocol, 0)
    const { protocol: was, port: _port, ...counts } = probe
    const others = this.#find(minute, key, was, 0)
    for (const field of COUNTS) others[field] += counts[field]
    return Object.assign(probe, { protocol, port, ...NOTHING })
  }
}

const NOTHING = { begun: 0, carried: 0, failed: 0, bytesSent: 0, bytesReceived: 0 } as const
const COUNTS = Object.keys(NOTHING) as (keyof typeof NOTHING)[] // every count is there

function open (minute: Minute, uses: Growing[], protocol: number, port: number): Growing {
  const use = { protocol, port, ...NOTHING }
  uses.push(use)
  minute.count++
  return use
}
