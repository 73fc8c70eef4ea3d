import type { Detection, Endpoint } from '../verdict/detection.ts'
import type { KeyTensor } from './key-features.ts'
import type { Policy, Rule } from './rule.ts'
import type { TimeZone } from './time-zone.ts'

/** All that a rule may be asked about. */
export interface Facts {
  /** null: a closed window of a key is judged without a detection, for rules whose class the model does not know. */
  readonly detection: Pick<Detection, 'class' | 'kind' | 'confidence' | 'count'> | null
  readonly source: Endpoint | null
  readonly target: Endpoint | null
  /** The newest tensors of the key that are at hand, at most one a step. */
  readonly tensors: readonly KeyTensor[]
  /** Unix ms at which `time.*` is read: the end of the newest window, so that a replay is judged by its own clock. */
  readonly atMs: number
  /** `time.*` is in it. */
  readonly zone: TimeZone
  /** Classes of the loaded model. */
  readonly modelClasses: readonly string[]
}

export type RuleOutcome =
  | { readonly fired: true, readonly rule: Rule, readonly reason: 'RuleMatched', readonly message: string }
  | { readonly fired: false, readonly rule: Rule, readonly reason: 'NoRule' | 'RuleDisabled' | 'BelowThreshold' | 'ConditionFalse', readonly message: string }

/** Every rule in the file's order, fired or not, each with the comparison that decided. */
export declare function matchRules (policy: Policy, facts: Facts): readonly RuleOutcome[]

/** Whether some enabled rule needs `Facts` for each key at each closed window (its class is none of the model's). */
export declare function needsEveryKey (policy: Policy, modelClasses: readonly string[]): boolean
