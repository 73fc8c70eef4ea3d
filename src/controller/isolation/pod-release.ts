import type { ErrorCode } from '../../core/errors.ts'
import { isIsolated, isReleasing, withReleaseAnswer, type ReleaseAnswer } from '../../core/isolation/release-answer.ts'
import { releasedKeys, releasedPod, restoredPod } from '../../core/isolation/released-labels.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { Mitigation } from '../../core/mitigation/mitigation.ts'
import type { SelectorsOf } from '../../core/plan/render-policies.ts'
import type { Pod } from '../../core/pod.ts'
import type { Clock, KubernetesApi, PodDirectory } from '../../ports.ts'
import { Attempts } from '../actuation/attempts.ts'
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
}

/** Where mitigations in force are found, and what became of one is kept. */
export interface ReleasingMitigations {
  readonly active: readonly Mitigation[]
  readonly answered: (name: string, change: (mitigation: Mitigation) => Mitigation) => Promise<void>
}

/**
 * Takes isolated pods out of what selects them, and gives back the labels that no mitigation in force wants taken, also those that an
 * earlier process took. Level-based: it compares the pods with the mitigations, and writes a pod with the version that it read, so that
 * no change of others is lost; a write that met another one is made again.
 */
export class PodRelease {
  readonly #parts: PodReleaseParts
  readonly #attempts: Attempts

  constructor (parts: PodReleaseParts) {
    this.#parts = parts
    this.#attempts = new Attempts(parts.random)
  }

  /** Looks at every pod that is concerned. Resolves to whether a mitigation's target stands otherwise than before; never rejects. */
  async look (mitigations: ReleasingMitigations): Promise<boolean> {
    const { pods, installation, clock } = this.#parts
    const wanting = Map.groupBy(mitigations.active.filter(isReleasing), ({ spec: { subject } }) => subject === 'anySource' ? '' : subject.uid)
    const left = pods.list().filter(({ uid, released }) => released?.installation === installation && !wanting.has(uid))
    this.#attempts.keepOnly(new Set([...wanting.keys(), ...left.map(({ uid }) => uid)]))
    await Promise.all(left.map(async (pod) => this.#write(pod, restoredPod, 'the labels of a pod are put back')))
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
    return changes.includes(true)
  }

  /**
   *     taken before | its policies are stored | a label is there that is to go | answer
   *     by another   | -                       | -                              | failed, final
   *     no           | no                      | -                              | waiting
   *     -            | -                       | no                             | released
   *     else         |                         | yes                            | as the write ends
   */
  async #release (pod: Pod, of: readonly Mitigation[]): Promise<ReleaseAnswer> {
    const { installation, selectors } = this.#parts
    const { uid, released, workload = null } = pod
    if (released !== undefined && released.installation !== installation) return { outcome: 'failed', isFinal: true, message: `the AutoShield of namespace ${released.installation} has taken labels from it, so its labels are left to that one.` }
    if (released === undefined && !of.some(isIsolated)) return { outcome: 'waiting' }
    const relabel = of.some(({ spec }) => spec.relabel === 'owner-and-services') ? 'owner-and-services' : 'services'
    const keys = releasedKeys(pod, relabel, selectors(pod.namespace))
    if (!keys.some((key) => Object.hasOwn(pod.labels, key))) return { outcome: 'released' }
    await this.#write(pod, (object) => releasedPod(object, keys, { installation, workload }), 'labels are taken from an isolated pod, so that nothing selects it')
    const failure = this.#attempts.failureOf(uid)
    return failure === null ? { outcome: 'released' } : { outcome: 'failed', isFinal: !PASSING.includes(failure.code), message: failure.message }
  }

  async #write (pod: Pod, change: (object: KubernetesObject) => KubernetesObject | null, what: string): Promise<void> {
    const { api, clock, log } = this.#parts
    const { uid, namespace, name } = pod
    const before = this.#attempts.failureOf(uid)?.message
    await this.#attempts.attempt(uid, clock.now(), async () => {
      const object = await api.get(RESOURCES.pods, name, namespace)
      const after = object?.metadata.uid === uid ? change(object) : null
      if (after === null) return
      await api.replace(RESOURCES.pods, after)
      log.info({ pod: `${namespace}/${name}` }, what)
    })
    const failure = this.#attempts.failureOf(uid)
    if (failure !== null && failure.message !== before) log.warn({ pod: `${namespace}/${name}`, error: failure.message }, 'the labels of a pod could not be changed; it is tried again')
  }
}

/** Somebody else wrote it meanwhile, it is going, or the API server is away. */
const PASSING: readonly ErrorCode[] = ['CONFLICT', 'NOT_FOUND', 'UNAVAILABLE']
