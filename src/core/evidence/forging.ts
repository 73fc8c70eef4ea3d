/** A pod out of which packets came under addresses that are not its own, as its own observer counted. */
export interface Forging {
  /** `namespace/name`, or its UID where nobody knows the pod. */
  readonly pod: string
  readonly addresses: readonly string[]
  /** Within the last minute. */
  readonly packets: number
}
