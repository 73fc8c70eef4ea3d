/** Wall clock in Unix milliseconds. */
export interface Clock {
  now: () => number
}
