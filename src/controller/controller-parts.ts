import type { Errand } from '../core/errand/errand.ts'
import type { LeadershipStanding } from '../core/leadership/standing.ts'
import type { Mark } from '../core/feedback/mark.ts'
import type { SafetySettings } from '../core/safety/settings.ts'
import type { AdmissionContext } from '../ports/admission.ts'
import type { AuditTrail } from '../ports/audit.ts'
import type { Clock } from '../ports/clock.ts'
import type { NamespaceDirectory, NodeDirectory, PodDirectory, Protections, ServiceDirectory } from '../ports/directories.ts'
import type { ErrandCarrier, Evidence } from '../ports/errands.ts'
import type { Exceptions } from '../ports/exceptions.ts'
import type { FlowLog } from '../ports/flows.ts'
import type { StandingOrders } from '../ports/kill-switch.ts'
import type { EditableMeshPolicies, MeshPolicies } from '../ports/mesh-policies.ts'
import type { Checkpoints, Collection, ObjectStore } from '../ports/object-store.ts'
import type { ProxyFleet } from '../ports/proxies.ts'
import type { Reporters, ScoreSource, SourceAccounts } from '../ports/scores.ts'
import type { PolicySource, ThreatPolicies } from '../ports/threat-policies.ts'
import type { ClusterNetwork } from './actuation/enforcement.ts'
import type { ErrandMetrics } from './errands/metrics.ts'
import type { Log } from './log.ts'
import type { ControllerMetrics } from './metrics.ts'
import type { NodeQuarantineParts } from './nodes/node-quarantine.ts'
import type { ControllerSettings } from './settings.ts'

/** What the loop is made of. What is optional is there in a cluster alone. */
export interface ControllerParts {
  readonly store: ObjectStore
  readonly checkpoints: Checkpoints
  readonly audit: AuditTrail
  readonly scores: ScoreSource
  /** Absent where nobody tells which observers report. */
  readonly reporters?: Reporters
  /** Absent where nobody can be asked. */
  readonly accounts?: SourceAccounts
  readonly pods: PodDirectory
  readonly protections: Protections
  readonly proxies: ProxyFleet
  readonly meshPolicies: MeshPolicies | EditableMeshPolicies
  /** Where flows are kept. */
  readonly flows: FlowLog
  /** In a cluster. */
  readonly namespaces?: Pick<NamespaceDirectory, 'byName'>
  readonly services?: ServiceDirectory
  readonly policy: PolicySource
  /** In a cluster; their rules come beside those of `policy`. */
  readonly threatPolicies?: ThreatPolicies
  readonly exceptions: Exceptions
  /** Where what people say of detections is kept. */
  readonly marks: Collection<Mark>
  readonly clock: Clock
  readonly orders?: StandingOrders
  /** Beats until the signal aborts, then ends; gives the number of the beat, from 0. */
  readonly every: (ms: number, signal: AbortSignal) => AsyncIterable<number>
  /** A name that nobody else has: lower-case letters, digits and dashes. */
  readonly newId: () => string
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly metrics: ControllerMetrics
  /** Where errands are kept, who carries them out, and which actions can be carried out here at all. */
  readonly errands: { readonly store: Collection<Errand>, readonly carrier: ErrandCarrier, readonly metrics: ErrandMetrics }
  readonly evidence: Evidence
  readonly actions: SafetySettings['actions']
  /** Which replica works and who follows it; null where it is the only one. */
  readonly leadership: () => LeadershipStanding | null
  /** Where a cluster is connected: its nodes, and the way to them where they may be quarantined. */
  readonly nodes?: { readonly directory: NodeDirectory, readonly api: NodeQuarantineParts['api'] | null }
  readonly log: Log
  readonly settings: ControllerSettings
  /** Where a cluster is connected: who reaches whom there, and our own policies. */
  readonly network?: ClusterNetwork
  /** What happened to pods at admission, in a cluster; detections on them show it. */
  readonly admission?: AdmissionContext
}
