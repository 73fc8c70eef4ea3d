import { AutoshieldError } from '../../core/errors.ts'
import { readReleased, restoredPod } from '../../core/isolation/released-labels.ts'
import { isRecord } from '../../core/kubernetes/read-object.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { RESOURCES, type Resource } from '../../core/kubernetes/resource.ts'
import { POD_LABEL } from '../../core/plan/pod-mark.ts'
import { POLICY_FORMS, POLICY_KINDS, type PolicyKind } from '../../core/plan/policy-object.ts'
import { INSTALLATION_LABEL, marksManager, MITIGATION_LABEL } from '../../core/plan/objects.ts'
import type { KubernetesApi, Scope } from '../../ports/kubernetes.ts'

/** Something of an installation that no mitigation in force asks for. */
export interface LeftOver {
  readonly kind: PolicyKind | 'Pod'
  readonly namespace: string
  readonly name: string
  /** Why it is left over, in words. */
  readonly why: string
  /** `found`: it stays, for nobody asked to take it away. A pod loses its label alone. */
  readonly outcome: 'found' | 'removed' | 'failed'
  /** Of what failed, in the API server's words; else empty. */
  readonly message: string
}

export interface CleanupOptions {
  /** Namespace of the AutoShield that made it. */
  readonly ownNamespace: string
  readonly remove: boolean
  readonly nowMs: number
}

/**
 * What a controller that is gone has left of its mitigations: the labels that it took from pods first, for without them the policies of
 * others do not hold; then its NetworkPolicies, and the labels by which they selected. What mitigations in force ask for stays. Throws as `KubernetesApi` does where it cannot look.
 */
export async function * cleanUp (api: KubernetesApi, { ownNamespace, remove, nowMs }: CleanupOptions): AsyncGenerator<LeftOver, void, undefined> {
  const mitigations = new Map((await listed(api, RESOURCES.mitigations, { namespace: ownNamespace })).map((object) => [object.metadata.name, object]))
  const policies = await Promise.all(POLICY_KINDS.map(async (kind) => (await listed(api, POLICY_FORMS[kind].resource, { labelSelector: `${INSTALLATION_LABEL}=${ownNamespace}` })).map((policy) => ({ kind, policy }))))
  const judged = policies.flat().map(({ kind, policy }) => ({ kind, policy, why: endOfMitigation(policy.metadata.annotations?.[MITIGATION_LABEL] ?? '', mitigations, nowMs) }))
  const attempt = async (left: Pick<LeftOver, 'kind' | 'namespace' | 'name' | 'why'>, work: () => Promise<unknown>): Promise<LeftOver> => {
    if (!remove) return { ...left, outcome: 'found', message: '' }
    return work().then(() => ({ ...left, outcome: 'removed', message: '' }) as const, (error: unknown) => ({ ...left, outcome: 'failed', message: AutoshieldError.from(error).message }) as const)
  }
  const kept = judged.flatMap(({ policy, why }) => why === null ? [JSON.stringify(policy['spec'])] : [])
  const isKept = ({ metadata: { labels = {} } }: KubernetesObject): boolean => kept.some((spec) => spec.includes(labels[POD_LABEL] ?? ''))
  for (const pod of await api.list(RESOURCES.pods, { labelSelector: POD_LABEL })) {
    const restored = restoredPod(pod)
    if (restored === null || readReleased(pod)?.installation !== ownNamespace || isKept(pod)) continue
    const { name, namespace = '' } = pod.metadata
    yield attempt({ kind: 'Pod', namespace, name, why: 'labels were taken from it, and no NetworkPolicy that stays isolates it' }, async () => api.replace(RESOURCES.pods, restored))
  }
  for (const { kind, policy: { metadata: { name, namespace = '', uid = '' } }, why } of judged) {
    if (why !== null) yield attempt({ kind, namespace, name, why }, async () => api.remove(POLICY_FORMS[kind].resource, name, { namespace, uid }))
  }
  for (const pod of await api.list(RESOURCES.pods, { labelSelector: POD_LABEL })) {
    const { name, namespace = '', uid = '' } = pod.metadata
    const isOurs = JSON.stringify(pod.metadata['managedFields'] ?? []).includes(JSON.stringify(marksManager(ownNamespace)))
    if (!isOurs || isKept(pod)) continue
    yield attempt({ kind: 'Pod', namespace, name, why: `no NetworkPolicy that stays asks for its label ${POD_LABEL} (a controller that runs takes it back by itself, some minutes after its last mitigation)` }, async () =>
      api.apply(RESOURCES.pods, { metadata: { name, namespace, uid, labels: {} } }, { force: true, fieldManager: marksManager(ownNamespace) }))
  }
}

/** None where their kind is not served. */
async function listed (api: KubernetesApi, resource: Resource, scope: Scope): Promise<readonly KubernetesObject[]> {
  try {
    return await api.list(resource, scope)
  } catch (error) {
    if (AutoshieldError.from(error).code === 'NOT_FOUND') return []
    throw error
  }
}

/** Why nothing asks for it any more; null while it is in force. */
function endOfMitigation (name: string, mitigations: ReadonlyMap<string, KubernetesObject>, nowMs: number): string | null {
  const found = mitigations.get(name)
  if (found === undefined) return `its mitigation ${JSON.stringify(name)} does not exist`
  const { spec, status } = found
  if (isRecord(status) && status['phase'] !== 'active') return `its mitigation ${name} has ended (${String(status['phase'])})`
  const expiresAt = isRecord(spec) ? String(spec['expiresAt']) : ''
  return Date.parse(expiresAt) <= nowMs ? `its mitigation ${name} should have ended at ${expiresAt}, and no controller ended it` : null
}
