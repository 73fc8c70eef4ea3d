import type { Outcome } from '../../core/errand/advance.ts'
import type { Errand, EvictionTask } from '../../core/errand/errand.ts'
import type { EvidenceFile } from '../../core/errand/evidence.ts'
import { AutoshieldError } from '../../core/errors.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { Clock } from '../../ports/clock.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import type { EvidenceFolder } from '../store/evidence-folder.ts'
import { gatherEvidence } from './gather-evidence.ts'

export interface EvictorOptions {
  readonly api: Pick<KubernetesApi, 'get' | 'list' | 'text' | 'create'>
  readonly evidence: EvidenceFolder
  /** What the loop itself knows of the errand's case. */
  readonly known: (errand: Errand) => readonly EvidenceFile[]
  readonly clock: Clock
}

/** Evicts pods by the eviction API, which respects disruption budgets, each after what is known of it has been kept. */
export class Evictor {
  readonly #options: EvictorOptions

  constructor (options: EvictorOptions) {
    this.#options = options
  }

  /**
   *     pod of this UID | evidence kept | the API server says | outcome
   *     gone            | -             | -                   | done, PodIsGone
   *     there           | no            | -                   | kept; again, EvidenceMissing, where it could not be
   *     there           | yes           | evicted             | done, Evicted
   *     there           | yes           | a budget forbids it | again, DisruptionBudget
   *     there           | yes           | it is away          | again, ReceiverAway
   *     there           | yes           | it refuses          | refused, ReceiverRefused
   */
  async attempt (errand: Errand, task: EvictionTask): Promise<Outcome> {
    const { pod } = task
    const name = `${pod.namespace}/${pod.name}`
    try {
      const object = await this.#options.api.get(RESOURCES.pods, pod.name, pod.namespace)
      if (object?.metadata.uid !== pod.uid) return { result: 'done', reason: 'PodIsGone', message: `Pod ${name} of this UID is gone already.` }
      if (task.evidence === undefined) return await this.#keep(errand, task, await gatherEvidence(this.#options.api, object, pod))
      await this.#evict(task)
      return { result: 'done', reason: 'Evicted', message: `Pod ${name} is evicted and has ${task.gracePeriodSeconds} s to end.` }
    } catch (thrown) {
      return outcomeOf(AutoshieldError.from(thrown), name)
    }
  }

  async #keep (errand: Errand, { pod }: EvictionTask, { files, missing }: Awaited<ReturnType<typeof gatherEvidence>>): Promise<Outcome> {
    const { evidence, known, clock } = this.#options
    try {
      const kept = await evidence.keep({ errand: errand.id, detection: errand.detection, pod, keptAt: new Date(clock.now()).toISOString() }, { files: [...files, ...known(errand)], missing })
      return { result: 'kept', reason: 'EvidenceKept', message: `Evidence ${kept.name} is kept: ${files.length} files of the cluster, ${missing.length} that could not be had.`, evidence: kept }
    } catch (error) {
      return { result: 'again', reason: 'EvidenceMissing', message: AutoshieldError.from(error).message }
    }
  }

  async #evict ({ pod: { uid, namespace, name }, gracePeriodSeconds }: EvictionTask): Promise<void> {
    await this.#options.api.create(RESOURCES.pods, {
      apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, deleteOptions: { gracePeriodSeconds, preconditions: { uid } },
    }, { subresource: 'eviction' })
  }
}

/** A budget is told by 429 in words (k8s.io/kubernetes, pkg/registry/core/pod/storage/eviction.go); where more than one is there, by 500. */
function outcomeOf ({ code, message }: AutoshieldError, name: string): Outcome {
  if (/disruption budget/i.test(message)) return { result: 'again', reason: 'DisruptionBudget', message }
  switch (code) {
    case 'NOT_FOUND': return { result: 'done', reason: 'PodIsGone', message: `Pod ${name} is gone already.` }
    // Another of its name has come meanwhile, or the object changed: the next look tells which.
    case 'CONFLICT': case 'UNAVAILABLE': case 'INTERNAL': return { result: 'again', reason: 'ReceiverAway', message }
    case 'UNTRUSTED': case 'BAD_DATA': case 'USAGE': return { result: 'refused', reason: 'ReceiverRefused', message }
  }
}
