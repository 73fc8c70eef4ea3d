/** A reproducible source of choices: the same seed draws the same laboratory, load and attacks. */
export interface Random {
  /** At least 0, below 1. */
  float (): number
  /** Both ends included. */
  integer (min: number, max: number): number
  /** Spread evenly over orders of magnitude, both ends included: rates and sizes want 10, 100 and 1000 alike. */
  magnitude (min: number, max: number): number
  chance (probability: number): boolean
  pick<T> (items: readonly T[]): T
  /** `count` different items, or all of them where there are fewer. */
  sample<T> (items: readonly T[], count: number): T[]
  /** An independent source: what is drawn from it leaves this one's sequence alone. */
  fork (name: string): Random
}

function hash (text: string): number {
  let state = 0x811c9dc5
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  return state >>> 0
}

/** Mulberry32: small, and good enough to choose among test traffic; nothing secret rests on it. */
export function randomFrom (seed: number | string): Random {
  let state = hash(String(seed))
  const float = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const integer = (min: number, max: number) => min + Math.floor(float() * (max - min + 1))
  const sample = <T>(items: readonly T[], count: number): T[] => {
    const rest = [...items]
    const taken: T[] = []
    while (taken.length < count && rest.length > 0) taken.push(...rest.splice(integer(0, rest.length - 1), 1))
    return taken
  }
  return {
    float,
    integer,
    magnitude: (min, max) => Math.min(max, Math.round(min * (max / min) ** float())),
    chance: (probability) => float() < probability,
    pick: (items) => {
      const item = items[integer(0, items.length - 1)]
      if (item === undefined) throw new RangeError('nothing to pick from: the list is empty')
      return item
    },
    sample,
    fork: (name) => randomFrom(`${seed}/${name}`),
  }
}
