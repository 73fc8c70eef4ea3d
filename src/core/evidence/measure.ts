/** What is counted of a key over a tensor's span, so that it can be known for it. */
export const MEASURES = ['upload', 'sessions', 'breadth'] as const
export type Measure = (typeof MEASURES)[number]

export interface Amount {
  readonly measure: Measure
  /** Of sessions: at which port; null for the others. */
  readonly port: number | null
  /** Bytes, sessions, or distinct ports. */
  readonly amount: number
}

/** Less is nothing to be known for: who never came to it usually does none. Bytes, sessions, distinct ports. */
export const LEAST_AMOUNT: Readonly<Record<Measure, number>> = { upload: 50_000, sessions: 10, breadth: 8 }
