import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { Messenger } from '../adapters/alerts/messenger.ts'
import { every, systemClock } from '../adapters/standalone/clock.ts'
import type { ControllerParts } from '../controller/controller-parts.ts'
import { errandMetrics } from '../controller/errands/metrics.ts'
import type { Errand } from '../core/errand/errand.ts'
import type { EvidenceFile } from '../core/errand/evidence.ts'
import { DEFAULT_ACTIONS } from '../core/safety/settings.ts'
import type { ActionType } from '../core/policy/action-type.ts'
import type { FlowLog } from '../ports/flows.ts'
import type { KubernetesApi } from '../ports/kubernetes.ts'
import { Evictor } from '../adapters/kubernetes/evict-pod.ts'
import { EvidenceFolder } from '../adapters/store/evidence-folder.ts'
import type { KeptObjects } from '../adapters/store/object-store.ts'
import { AlertsFile } from './alerts-file.ts'
import type { Parts } from './parts.ts'

/** Actions that change more than traffic: each is off until the operator allows it. */
export const ALLOWED_ACTIONS = ['pod_termination', 'node_quarantine'] as const satisfies readonly ActionType[]
export type AllowedAction = (typeof ALLOWED_ACTIONS)[number]

export interface ActingOptions {
  /** File of the alert settings. */
  readonly alerts: string | undefined
  readonly store: KeptObjects
  readonly flows: Pick<FlowLog, 'records'>
  /** The cluster that may be acted on, where there is one. */
  readonly cluster: { readonly api: KubernetesApi, readonly dataFolder: string, readonly allowed: readonly AllowedAction[] } | null
  readonly registry: Registry
  readonly log: Logger
  readonly version: string
}

/** What carries actions out that are done once, and which actions can be done here. Throws as `AlertsFile.open` does. */
export async function openActing (parts: Parts, { alerts, store, flows, cluster, registry, log, version }: ActingOptions): Promise<Pick<ControllerParts, 'errands' | 'actions'>> {
  const file = await AlertsFile.open(alerts, log)
  parts.start((signal) => file.run(every, signal))
  const messenger = new Messenger({
    settings: () => file.current(),
    clock: systemClock,
    version,
    tell: ({ id, detection }, { channel, priority, notice }) => log.warn({ alert: notice, channel, priority, detection, errand: id }, notice.text),
  })
  const evictor = cluster === null ? null : new Evictor({ api: cluster.api, evidence: new EvidenceFolder(cluster.dataFolder), known: (errand) => [...knownOf(store, errand), ...connectionsOf(flows, errand)], clock: systemClock })
  return {
    errands: {
      store: store.errands,
      metrics: errandMetrics(registry),
      carrier: {
        attempt: async (errand, signal) => {
          const { task } = errand
          switch (task.type) {
            case 'alert': return messenger.alert(errand, task, signal)
            case 'webhook': return messenger.webhook(errand, task, signal)
            case 'eviction': return evictor?.attempt(errand, task) ?? { result: 'refused', reason: 'ActionNeedsCluster', message: 'No cluster is connected.' }
          }
        },
      },
    },
    actions: {
      ...DEFAULT_ACTIONS,
      ...(file.current().webhooks !== undefined && { custom_webhook: 'here' }),
      ...(cluster !== null && Object.fromEntries(ALLOWED_ACTIONS.map((action) => [action, cluster.allowed.includes(action) ? 'here' : 'not-allowed']))),
    },
  }
}

/** What observers told of the last minutes is taken for what is open. */
const CONNECTIONS_MS = 10 * 60_000

/** Who the pod talked to last, as its observer and those of the other ends told. */
function connectionsOf (flows: Pick<FlowLog, 'records'>, { task }: Errand): readonly EvidenceFile[] {
  if (task.type !== 'eviction') return []
  const records = flows.records({ sinceMs: systemClock.now() - CONNECTIONS_MS, pods: [task.pod.uid] })
  return [{ name: 'connections.json', text: `${JSON.stringify(records, null, 2)}\n` }]
}

/** The detection with its explanation and windows, and what was decided on it. */
function knownOf ({ detections, decisions }: KeptObjects, { id, detection }: Errand): readonly EvidenceFile[] {
  const known = { 'detection.json': detections.get(detection), 'decision.json': decisions.get(id) }
  return Object.entries(known).flatMap(([name, value]) => value === null ? [] : [{ name, text: `${JSON.stringify(value, null, 2)}\n` }])
}
