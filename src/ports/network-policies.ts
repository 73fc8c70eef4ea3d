import type { PolicyKind, PolicyObject } from '../core/plan/policy-object.ts'
import type { Cluster } from '../core/plan/reach/reach.ts'
import type { PodName } from './directories.ts'

/** A policy of ours as the API server has it. */
export interface OwnPolicy {
  readonly kind: PolicyKind
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation: number
  /** Name of the mitigation that it was made for. */
  readonly mitigation: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** What it asks for, as stored. */
  readonly spec: unknown
  /** Who, beside ourselves, wrote it last, by the name that the client gave; empty for nobody. */
  readonly editor: string
}

/** Who reaches whom in a cluster, by everybody's NetworkPolicies and on the pods of now. */
export interface ClusterReach {
  /** The same object while nothing changed; null while something of it has not been seen yet. */
  cluster: () => Cluster | null
  /** Why nothing can be judged: a policy that cannot be read, by name; null where all can. */
  trouble: () => string | null
  /** Policies that hold beside and that nobody here can judge, with their kind. */
  unjudged: () => readonly string[]
  onChange: (listener: () => void) => Disposable
}

/** The objects by which mitigations hold in a cluster. Throws as `KubernetesApi` does. */
export interface OwnPolicies {
  list: () => readonly OwnPolicy[]
  /** Whether a policy of this name is there that is not ours. */
  isForeign: (namespace: string, name: string) => boolean
  /** Makes or amends it; seen by the next look. Throws CONFLICT where one of that name is not ours. */
  store: (policy: PolicyObject) => Promise<OwnPolicy>
  /** What is not there is removed already. */
  remove: (policy: Pick<OwnPolicy, 'kind' | 'namespace' | 'name' | 'uid'>) => Promise<void>
  /** Gives a pod these labels and takes back those that were given before. Throws CONFLICT or NOT_FOUND where the pod of this UID is gone. */
  mark: (pod: PodName, labels: Readonly<Record<string, string>>) => Promise<void>
  onChange: (listener: () => void) => Disposable
}
