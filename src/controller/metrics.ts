import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Verdict } from '../core/policy/decision.ts'
import type { Precision } from '../core/feedback/precision.ts'
import type { ModelStanding } from '../core/model/standing.ts'
import type { Comparison } from '../core/verdict/source-account.ts'
import type { ReasonCode } from '../core/reason.ts'
import type { DetectorStats } from '../ports/scores.ts'

/** What the loop counts. Label values are few: classes of the model and the policy, verdicts, reason codes. */
export interface ControllerMetrics {
  detection: (className: string, phase: 'suspected' | 'open' | 'closed') => void
  decision: (verdict: Verdict, reason: ReasonCode) => void
  /** From a score's arrival at the controller to its decision on the disk. */
  decisionSeconds: (seconds: number) => void
  /** In force now. */
  mitigations: (enforced: number, simulated: number) => void
  /** Decisions that wait for a person now. */
  approvals: (waiting: number) => void
  auditEntry: () => void
  /** What a bounded queue or table let go. */
  dropped: (what: 'event' | 'explanation' | 'record' | 'case' | 'victim' | 'approval' | 'account', count: number) => void
  /** What the observer of a source said of what its victim's tells. */
  compared: (comparison: Comparison) => void
  storeFailure: () => void
  policyReload: (outcome: 'loaded' | 'refused') => void
  /** What the detector scores with now. */
  models: (standing: ModelStanding) => void
  modelRefused: () => void
  /** What the detector has counted since its start. */
  detector: (stats: DetectorStats) => void
  /** How much of a namespace's traffic the model was not trained on, and where it becomes unfamiliar. */
  drift: (namespace: string, unknown: number, limit: number) => void
  /** What people said of detections, all of it. */
  marked: (precision: readonly Precision[]) => void
}

export function controllerMetrics (registry: Registry): ControllerMetrics {
  const registers = [registry]
  const detections = new Counter({ name: 'autoshield_detections_total', help: 'Detections that reached a phase.', labelNames: ['class', 'phase'], registers })
  const decisions = new Counter({ name: 'autoshield_decisions_total', help: 'Decisions by what policy and safety made of them, and why.', labelNames: ['verdict', 'reason'], registers })
  const decisionSeconds = new Histogram({
    name: 'autoshield_decision_seconds',
    help: 'From a score\'s arrival at the controller to its decision on the disk.',
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5],
    registers,
  })
  const mitigations = new Gauge({ name: 'autoshield_mitigations_active', help: 'Mitigations in force now; simulated ones enforce nothing.', labelNames: ['simulated'], registers })
  const approvals = new Gauge({ name: 'autoshield_approvals_waiting', help: 'Decisions that wait for a person now.', registers })
  const auditEntries = new Counter({ name: 'autoshield_audit_entries_total', help: 'Entries written to the audit trail.', registers })
  const dropped = new Counter({ name: 'autoshield_controller_dropped_total', help: 'What bounded queues and tables of the controller let go.', labelNames: ['what'], registers })
  const compared = new Counter({ name: 'autoshield_source_accounts_total', help: 'What observers of sources said of what their victims\' tell, when they were asked before a decision.', labelNames: ['comparison'], registers })
  const storeFailures = new Counter({ name: 'autoshield_store_failures_total', help: 'Writes of the loop that the store refused; they are tried again.', registers })
  const policyReloads = new Counter({ name: 'autoshield_policy_reloads_total', help: 'Policy files that were read and taken, or refused.', labelNames: ['outcome'], registers })
  const models = new Gauge({ name: 'autoshield_model_info', help: 'Models that the detector scores with: the current one, and a candidate in shadow.', labelNames: ['version', 'use'], registers })
  const marked = new Gauge({ name: 'autoshield_detections_marked', help: 'Detections that people marked, and what they said: precision is the share of the confirmed.', labelNames: ['class', 'namespace', 'verdict'], registers })
  const modelRefusals = new Counter({ name: 'autoshield_model_refusals_total', help: 'Models that were asked for and that the detector refused; the one of before went on.', registers })
  const forged = new Counter({ name: 'autoshield_forged_packets_total', help: 'Packets that left a pod under an address that is not its own, by its observer.', registers })
  const refused = new Counter({ name: 'autoshield_detector_refusals_total', help: 'Streams and calls that the detector refused; NotYours: an observer spoke of other pods than its own.', labelNames: ['reason'], registers })
  const drift = new Gauge({ name: 'autoshield_drift_unknown_ratio', help: 'Share of a namespace\'s windows that have what the training set hardly had, of the feature with the most.', labelNames: ['namespace'], registers })
  const driftLimit = new Gauge({ name: 'autoshield_drift_limit_ratio', help: 'Above it a namespace is unfamiliar to the model, and what is detected there waits for a person.', registers })
  return {
    detection: (className, phase) => detections.inc({ class: className, phase }),
    decision: (verdict, reason) => decisions.inc({ verdict, reason }),
    decisionSeconds: (seconds) => decisionSeconds.observe(seconds),
    mitigations: (enforced, simulated) => {
      mitigations.set({ simulated: 'false' }, enforced)
      mitigations.set({ simulated: 'true' }, simulated)
    },
    approvals: (waiting) => approvals.set(waiting),
    auditEntry: () => auditEntries.inc(),
    dropped: (what, count) => dropped.inc({ what }, count),
    compared: (comparison) => compared.inc({ comparison }),
    storeFailure: () => storeFailures.inc(),
    policyReload: (outcome) => policyReloads.inc({ outcome }),
    models: ({ current, shadow }) => {
      models.reset()
      models.set({ version: current, use: 'current' }, 1)
      if (shadow !== null) models.set({ version: shadow, use: 'shadow' }, 1)
    },
    modelRefused: () => modelRefusals.inc(),
    detector: (stats) => {
      forged.reset()
      forged.inc(stats.forgedSent)
      refused.reset()
      for (const [reason, count] of Object.entries(stats.refused)) refused.inc({ reason }, count)
    },
    drift: (namespace, unknown, limit) => {
      drift.set({ namespace }, unknown)
      driftLimit.set(limit)
    },
    marked: (precision) => {
      for (const { class: name, namespace, confirmed, falseAlarms } of precision) {
        marked.set({ class: name, namespace: namespace ?? '', verdict: 'confirmed' }, confirmed)
        marked.set({ class: name, namespace: namespace ?? '', verdict: 'false-alarm' }, falseAlarms)
      }
    },
  }
}
