/** What a connection's packets must have been, cumulative, seen from its initiator: the meaning of CONTRACTS, "Windows and features". */
export interface Tally {
  readonly sentBytes: number
  readonly receivedBytes: number
  readonly sentPackets: number
  readonly receivedPackets: number
  readonly syn: number
  readonly ack: number
  readonly rst: number
  readonly fin: number
}

export const NOTHING: Tally = { sentBytes: 0, receivedBytes: 0, sentPackets: 0, receivedPackets: 0, syn: 0, ack: 0, rst: 0, fin: 0 }

const COLUMNS = Object.keys(NOTHING) as (keyof Tally)[]

/** What `tally` has more than `before`, never less than nothing: a state that is passed counts no second time. */
export const less = (tally: Tally, before: Tally): Tally => combine(tally, before, (now, then) => Math.max(0, now - then))
export const most = (tally: Tally, other: Tally): Tally => combine(tally, other, Math.max)

function combine (one: Tally, other: Tally, by: (one: number, other: number) => number): Tally {
  return Object.fromEntries(COLUMNS.map((column) => [column, by(one[column], other[column])])) as Record<keyof Tally, number> // every column is there
}

/** What an attempt came to; null while, or for ever, undecided. `half-open` is no decision, but is counted once. */
export type Outcome = 'succeeded' | 'failed' | 'unanswered' | 'half-open' | null
