/**
 * What the proxy of one pod logged of the attempts of one restricted source, in one step of 0.5 s. Each attempt counts once, and
 * attempts = denied + limited + passed. What a proxy's log cannot tell is in no count: see sidecar/als/README.md. Of all sources
 * together (no source) only that is known which a limit on new connections stopped, each SYN an attempt: attempts = limited.
 */
export interface RestrictionCount {
  /** Whose proxy, by the certificate of the observer that told it. */
  readonly podUid: string
  /** Addresses; the proxy's pod is one of the two. null: of all sources together. */
  readonly source: string | null
  readonly destination: string
  /** The port that the restriction names; null: all ports that none names. */
  readonly port: number | null
  readonly unit: 'connections' | 'requests'
  /** Start of the step, Unix ms. */
  readonly atMs: number
  readonly attempts: number
  readonly denied: number
  /** Stopped by a limit. */
  readonly limited: number
  readonly passed: number
  /** Of those that passed: a restriction in shadow would have stopped them. */
  readonly shadowed: number
}
