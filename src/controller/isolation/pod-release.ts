import type { ErrorCode } from '../../core/errors.ts'
import { isIsolated, isReleasing, withReleaseAnswer, type ReleaseAnswer } from '../../core/isolation/release-answer.ts'
import { releasedKeys, releasedPod, restoredPod } from '../../core/isolation/released-labels.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { Mitigation } from '../../core/mitigation/mitigation.ts'
import type { SelectorsOf } from '../../core/plan/render-policies.ts'
import type { Pod } from '../../core/pod.ts'
import type { PolicyStanding } from '../../core/mitigation/policy-standing.ts'
import type { Clock } from '../../ports/clock.ts'
import type { PodDirectory } from '../../ports/directories.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import { Attempts } from '../actuation/attempts.ts'
import { Contest, MOST_PUT_BACKS } from '../actuation/contest.ts'
import type { NewAuditEntry } from '../journal.ts'
import type { Log } from '../log.ts'

export interface PodReleaseParts {
  readonly api: Pick<KubernetesApi, 'get' | 'replace'>
  /** AutoShield's own namespace: labels that another one took are left to it. */
  readonly installation: string
  readonly pods: Pick<PodDirectory, 'byUid' | 'list'>
  readonly selectors: SelectorsOf
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly log: Log
  /** Never rejects. */
  readonly tell: (entries: readonly NewAuditEntry[]) => Promise<void>
}

/** Where mitigations in force are found, and what became of one is kept. */
export interface ReleasingMitigations {
  readonly active: readonly Mitigation[]
  readonly answered: (name: string, change: (mitigation: Mitigation) => Mitigation) => Promise<void>
}

/**
 * Takes isolated pods out of what selects them, and gives back the labels that no mitigation in force wants taken, also those that an
 * earlier process took. Level-based: it compares the pods with the mitigations, and writes a pod with the version that it read, so that
 * no change of others is lost; a write that met another one is made again. Labels that somebody gives back are taken again three times.
 */
export class PodRelease {
  readonly #parts: PodReleaseParts
  readonly #attempts: Attempts
  readonly #contest = new Contest()
  /** Mitigations whose pod somebody goes on giving its labels back. */
  #contested: ReadonlySet<string> = new Set()

  constructor (parts: PodReleaseParts) {
    this.#parts = parts
    this.#attempts = new Attempts(parts.random)
  }

  /** What keeps a mitigation's pod from staying out of what selects it; null for nothing. */
  troubleOf (mitigation: string): PolicyStanding['trouble'] {
    return this.#contested.has(mitigation) ? { reason: 'Contested', message: LEFT } : null
  }

  /** Looks at every pod that is concerned. Resolves to whether a mitigation's target stands otherwise than before; never rejects. */
  async look (mitigations: ReleasingMitigations): Promise<boolean> {
    const { pods, installation, clock } = this.#parts
    const wanting = Map.groupBy(mitigations.active.filter(isReleasing), ({ spec: { subject } }) => subject === 'anySource' ? '' : subject.uid)
    const left = pods.list().filter(({ uid, released }) => released?.installation === installation && !wanting.has(uid))
    this.#attempts.keepOnly(new Set([...wanting.keys(), ...left.map(({ uid }) => uid)]))
    this.#contest.keepOnly(wanting)
    await Promise.all(left.map(async (pod) => {
      if (await this.#write(pod, restoredPod, 'the labels of a pod are put back')) await this.#tell(pod, 'pod.labels-restored', 'Unasked', { labels: Object.keys(pod.released?.labels ?? {}) })
    }))
    const changes = await Promise.all([...wanting].map(async ([uid, of]) => {
      const pod = pods.byUid(uid)
      if (pod === null) return false
      const answer = await this.#release(pod, of)
      const nowMs = clock.now()
      const name = `${pod.namespace}/${pod.name}`
      const news = of.filter((mitigation) => withReleaseAnswer(mitigation, name, answer, nowMs) !== mitigation)
      for (const { metadata } of news) await mitigations.answered(metadata.name, (mitigation) => withReleaseAnswer(mitigation, name, answer, nowMs))
      return news.length > 0
    }))
    this.#contested = new Set([...wanting].flatMap(([uid, of]) => this.#contest.isHeld(uid) ? of.map(({ metadata }) => metadata.name) : []))
    return changes.includes(true)
  }

  /**
   *     taken before | its policies are stored | a label is there that is to go | given back before | answer
   *     by another   | -                       | -                              | -                 | failed, final
   *     no           | no                      | -                              | -                 | waiting
   *     -            | -                       | no                             | -                 | released
   *     -            | -                       | yes                            | three times       | failed, final
   *     else         |                         | yes                            | fewer             | as the write ends
   */
  async #release (pod: Pod, of: readonly Mitigation[]): Promise<ReleaseAnswer> {
    const { installation, selectors } = this.#parts
    const { uid, released, workload = null } = pod
    if (released !== undefined && released.installation !== installation) return { outcome: 'failed', isFinal: true, message: `the AutoShield of namespace ${released.installation} has taken labels from it, so its labels are left to that one.` }
    if (released === undefined && !of.some(isIsolated)) return { outcome: 'waiting' }
    const relabel = of.some(({ spec }) => spec.relabel === 'owner-and-services') ? 'owner-and-services' : 'services'
    const keys = releasedKeys(pod, relabel, selectors(pod.namespace))
    if (!keys.some((key) => Object.hasOwn(pod.labels, key))) {
      this.#contest.holds(uid, keys.join())
      return { outcome: 'released' }
    }
    const outcome = this.#contest.missing(uid, keys.join())
    if (outcome === 'hold') return { outcome: 'failed', isFinal: true, message: LEFT }
    if (outcome === 'put-back') await this.#tell(pod, 'pod.labels-taken', 'PutBack', { labels: keys, times: this.#contest.timesOf(uid), most: MOST_PUT_BACKS }, '(unknown)')
    const written = await this.#write(pod, (object) => releasedPod(object, keys, { installation, workload }), 'labels are taken from an isolated pod, so that nothing selects it')
    if (written && outcome === 'make') await this.#tell(pod, 'pod.labels-taken', 'RuleMatched', { labels: keys, mitigations: of.map(({ metadata }) => metadata.name) })
    const failure = this.#attempts.failureOf(uid)
    return failure === null ? { outcome: 'released' } : { outcome: 'failed', isFinal: !PASSING.includes(failure.code), message: failure.message }
  }

  async #tell ({ namespace, name }: Pod, action: string, reason: NewAuditEntry['reason'], detail: Readonly<Record<string, unknown>>, actor = 'autoshield'): Promise<void> {
    await this.#parts.tell([{ actor, action, object: `pods/${namespace}/${name}`, reason, detail }])
  }

  /** Resolves to whether anything was written. */
  async #write (pod: Pod, change: (object: KubernetesObject) => KubernetesObject | null, what: string): Promise<boolean> {
    const { api, clock, log } = this.#parts
    const { uid, namespace, name } = pod
    const before = this.#attempts.failureOf(uid)?.message
    let written = 0
    await this.#attempts.attempt(uid, clock.now(), async () => {
      const object = await api.get(RESOURCES.pods, name, namespace)
      const after = object?.metadata.uid === uid ? change(object) : null
      if (after === null) return
      await api.replace(RESOURCES.pods, after)
      written++
      log.info({ pod: `${namespace}/${name}` }, what)
    })
    const failure = this.#attempts.failureOf(uid)
    if (failure !== null && failure.message !== before) log.warn({ pod: `${namespace}/${name}`, error: failure.message }, 'the labels of a pod could not be changed; it is tried again')
    return written > 0
  }
}

const LEFT = `labels that were taken from the pod were given back ${MOST_PUT_BACKS + 1} times, so they are left as they are: find out who does that (autoshield audit), and undo the mitigation instead.`

/** Somebody else wrote it meanwhile, it is going, or the API server is away. */
const PASSING: readonly ErrorCode[] = ['CONFLICT', 'NOT_FOUND', 'UNAVAILABLE']
