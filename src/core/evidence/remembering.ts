export const HOUR_MS = 3_600_000

/** A use is known after so many different hours without suspicion: who would be known must be patient. */
export const KNOWN_AFTER_HOURS = 4

/** A use that nobody saw for so long is new again. */
export const FORGET_AFTER_MS = 14 * 24 * HOUR_MS

/** The name under which an address is remembered: its workload where that is known, so that a new pod of it is no stranger. */
export type NameOf = (address: string) => string
