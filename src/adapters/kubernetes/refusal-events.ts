import { createHash } from 'node:crypto'
import { LABELS, MANAGED_BY } from '../../core/injection/names.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { Decision } from '../../core/policy/decision.ts'
import { TokenBucket } from '../../core/token-bucket.ts'
import type { Detection, Endpoint } from '../../core/verdict/detection.ts'
import { AutoshieldError } from '../../core/errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import type { LoopEvent } from '../../ports/loop.ts'

/** What an Event is about. */
export interface EventSubject { readonly apiVersion: string, readonly kind: string, readonly namespace: string, readonly name: string, readonly uid: string }

export interface RefusalEventsOptions {
  readonly clock: Clock
  readonly detectionOf: (id: string) => Detection | null
  /** Objects of ours that a decision is about, beside the pod. */
  readonly objectsOf: (decision: Decision) => readonly EventSubject[]
  /** Told of an Event that the API server did not take. */
  readonly onTrouble: (error: AutoshieldError) => void
}

/** The same reason on the same object is told again after this long. */
const QUIET_MS = 600_000
const MAX_REMEMBERED = 4_096
const RATE = { perSecond: 1, seconds: 50 } as const
const NOTE = 1_000 // events.k8s.io/v1: 1024 bytes

/** Tells in Kubernetes Events, on the pods and the objects of ours that they are about, which actions safety held back and why: each reason once in a while, at a bounded rate. */
export class RefusalEvents {
  readonly #api: Pick<KubernetesApi, 'create'>
  readonly #options: RefusalEventsOptions
  readonly #told = new Map<string, number>()
  readonly #bucket: TokenBucket
  /** Events that the rate let go. */
  dropped = 0

  constructor (api: Pick<KubernetesApi, 'create'>, options: RefusalEventsOptions) {
    this.#api = api
    this.#options = options
    this.#bucket = new TokenBucket({ ...RATE, nowMs: options.clock.now() })
  }

  /** Follows the loop's events until they end. */
  async run (events: AsyncIterable<LoopEvent>): Promise<void> {
    for await (const event of events) if (event.type === 'decision') await this.take(event.decision)
  }

  async take (decision: Decision): Promise<void> {
    const { detectionOf, objectsOf } = this.#options
    if (!isRefusal(decision)) return
    const detection = detectionOf(decision.detection)
    if (detection === null || detection.simulated) return
    const pod = podOf(detection.source) ?? podOf(detection.target)
    for (const subject of [...pod === null ? [] : [pod], ...objectsOf(decision)]) await this.#tell(subject, decision)
  }

  async #tell (subject: EventSubject, decision: Decision): Promise<void> {
    const { clock, onTrouble } = this.#options
    const nowMs = clock.now()
    const key = `${subject.uid} ${decision.reason} ${decision.rule}`
    if (nowMs - (this.#told.get(key) ?? -Infinity) < QUIET_MS) return
    if (!this.#bucket.take(1, nowMs)) {
      this.dropped++
      return
    }
    this.#told.delete(key)
    this.#told.set(key, nowMs)
    const oldest = this.#told.keys().next()
    if (this.#told.size > MAX_REMEMBERED && oldest.done !== true) this.#told.delete(oldest.value)
    await this.#api.create(RESOURCES.events, eventOf(subject, decision, key, nowMs)).catch((error: unknown) => {
      const trouble = AutoshieldError.from(error)
      if (trouble.code !== 'CONFLICT') onTrouble(trouble) // another controller told it
    })
  }
}

/**
 *     verdict               | a check failed | it is about a larger form of a mitigation | refusal
 *     hold, suppress, alert | yes            | -                                         | yes
 *     hold, suppress, alert | no             | yes                                       | yes: nothing larger would do
 *     hold, suppress, alert | no             | no                                        | no: no rule fired, or it is an alert as the rule asked
 *     mitigate, simulate    | -              | -                                         | no
 */
function isRefusal ({ verdict, safety, reason, escalates }: Decision): boolean {
  return (verdict === 'hold' || verdict === 'suppress' || verdict === 'alert') && reason !== 'AlertOnly' && (escalates !== undefined || safety.some(({ passed }) => !passed))
}

function podOf (end: Endpoint | null): EventSubject | null {
  return end?.uid === undefined || end.namespace === undefined || end.name === undefined ? null : { apiVersion: 'v1', kind: 'Pod', uid: end.uid, namespace: end.namespace, name: end.name }
}

/** Named after what it tells and when, so that two controllers tell it once. */
function eventOf ({ apiVersion, kind, uid, namespace, name }: EventSubject, { verdict, reason, rule, action, message }: Decision, key: string, nowMs: number): object {
  const hash = createHash('sha256').update(`${key} ${Math.floor(nowMs / QUIET_MS)}`).digest('hex').slice(0, 12)
  return {
    metadata: { name: `${name.slice(0, 200)}.autoshield-${hash}`, namespace, labels: { [LABELS.managedBy]: MANAGED_BY } },
    eventTime: new Date(nowMs).toISOString().replace('Z', '000Z'), // MicroTime
    reportingController: 'autoshield.dev/controller',
    reportingInstance: 'autoshield-controller',
    action: action ?? 'Alert',
    reason,
    type: 'Warning',
    regarding: { apiVersion, kind, namespace, name, uid },
    note: `AutoShield, ${verdict} by rule "${rule}": ${message}`.slice(0, NOTE),
  }
}
