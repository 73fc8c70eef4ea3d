import type { ReasonCode } from '../reason.ts'
import type { TargetStatus } from './mitigation.ts'

/** How the NetworkPolicies of a mitigation in force stand. */
export interface PolicyStanding {
  readonly targets: readonly TargetStatus[]
  /** After all are stored it takes the nodes this long to apply them, ms. */
  readonly settleMs: number
  /** What keeps them from cutting as they should; null for nothing. */
  readonly trouble: { readonly reason: ReasonCode, readonly message: string } | null
}
