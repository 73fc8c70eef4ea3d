export interface BreakerSettings {
  /** This many failed actions within `windowMs` open it. */
  readonly failures: number
  /** So do this many different cases that the rate limit refused within `windowMs`: a burst that no person has looked at. */
  readonly refusals: number
  readonly windowMs: number
  /** How long it stays open the first time; doubled by each failed trial, up to `maxOpenMs`. */
  readonly openMs: number
  readonly maxOpenMs: number
  /** A trial without an outcome for this long makes room for the next one, so that a lost answer cannot keep it open. */
  readonly trialMs: number
}

export interface SafetySettings {
  readonly actionsPerMinute: number
  /** How many of these one rule, one victim and one source may have, so that what goes wild leaves room for the rest. */
  readonly budgets: Readonly<Record<'rule' | 'target' | 'source', number>>
  readonly breaker: BreakerSettings
  /** Beside `ALWAYS_PROTECTED_NAMESPACES`. */
  readonly protectedNamespaces: readonly string[]
  /** `namespace/name`. */
  readonly protectedPods: readonly string[]
  /** A pod with any of these labels, by key and value, is protected. */
  readonly protectedLabels: readonly { readonly key: string, readonly value: string }[]
  /** Off: everything is decided and nothing done (`ENABLE_ACTUATION=false`, `--simulate`). */
  readonly actuationEnabled: boolean
  /** Cooldowns kept at one time; beyond it the one that ends first is dropped and counted. */
  readonly maxCooldowns: number
}

/** The control plane and ourselves: cutting them off would cut the path by which it could be undone. No setting takes them off the list. */
export const ALWAYS_PROTECTED_NAMESPACES = ['kube-system', 'kube-node-lease', 'kube-public', 'autoshield-system'] as const

/** Actuation is off until somebody who has a cluster switches it on. */
export const DEFAULT_SAFETY_SETTINGS: SafetySettings = {
  actionsPerMinute: 10,
  budgets: { rule: 6, target: 6, source: 6 },
  breaker: { failures: 5, refusals: 20, windowMs: 60_000, openMs: 60_000, maxOpenMs: 900_000, trialMs: 30_000 },
  protectedNamespaces: [],
  protectedPods: [],
  protectedLabels: [
    { key: 'autoshield.dev/protected', value: 'true' },
    { key: 'app.kubernetes.io/managed-by', value: 'autoshield' },
  ],
  actuationEnabled: false,
  maxCooldowns: 4096,
}
