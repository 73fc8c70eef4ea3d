import type { ThreatPolicy, ThreatPolicyStatus } from '../core/policy/threat-policy.ts'
import type { RuleVerdict } from '../core/policy/why.ts'
import type { Detection } from '../core/verdict/detection.ts'

/** Threat policies of a cluster. What they ask for is a person's, what became of it the controller's. */
export interface ThreatPolicies {
  /** By name. */
  list: () => readonly ThreatPolicy[]
  /** Writes the status and leaves alone what is asked for. Throws NOT_FOUND where the policy is gone. */
  tell: (name: string, status: ThreatPolicyStatus) => Promise<void>
  /** Told of each that came, changed or went, after the list shows it. */
  onChange: (listener: () => void) => Disposable
}

/** What may be asked of the rules in force. */
export interface Rulebook {
  /** Every rule, with what it makes of a detection as it was kept. */
  why: (detection: Detection) => readonly RuleVerdict[]
}

/** Where the policy comes from; read anew every few seconds. Throws AutoshieldError where it cannot be read. */
export interface PolicySource {
  /** What people call it: the file's path. */
  readonly name: string
  read: () => Promise<string>
}
