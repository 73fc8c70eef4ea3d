import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../../core/errors.ts'
import { ANNOTATIONS, LABELS, MANAGED_BY } from '../../core/injection/names.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { apiVersionOf, RESOURCES, type Resource } from '../../core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'

/** What breaking the glass did, one after the other. */
export type BreakGlassStep =
  | { readonly type: 'annotated', readonly namespace: string }
  | { readonly type: 'no-namespace', readonly namespace: string }
  /** Deleted here, or by its controller, which read the annotation in the meantime. */
  | { readonly type: 'deleted' | 'gone', readonly kind: string, readonly name: string }
  | { readonly type: 'failed', readonly what: string, readonly error: AutoshieldError }

const Entries = Compile(Type.Object({
  webhooks: Type.Array(Type.Object({ clientConfig: Type.Object({ service: Type.Optional(Type.Object({ namespace: Type.String() })) }) })),
}))
const KINDS = [RESOURCES.mutatingWebhooks, RESOURCES.validatingWebhooks]
/** Another than the controller's, so that nothing of ours takes the annotation away again. */
const FIELD_MANAGER_OF_OPERATORS = 'autoshield-uninstall'

/**
 * Takes the webhooks away, those of every revision unless one is named, and keeps them away: first the annotation by
 * which a controller stops to register, then the configurations by our label. Asks nothing of AutoShield's own processes.
 * What fails is told, and the rest is done. Twice is as good as once.
 */
export async function * breakGlass (api: KubernetesApi, { ownNamespace, revision }: { readonly ownNamespace: string, readonly revision?: string }): AsyncGenerator<BreakGlassStep, void> {
  const labelSelector = [`${LABELS.managedBy}=${MANAGED_BY}`, ...(revision === undefined ? [] : [`${LABELS.revision}=${revision}`])].join(',')
  const found: { readonly resource: Resource, readonly object: KubernetesObject }[] = []
  for (const resource of KINDS) {
    try {
      found.push(...(await api.list(resource, { labelSelector })).map((object) => ({ resource, object })))
    } catch (error) {
      yield { type: 'failed', what: `list ${resource.plural}`, error: AutoshieldError.from(error) }
    }
  }
  // Where their controllers run, though it be another namespace than the one that was named; and no other revision's.
  const homes = found.flatMap(({ object }) => homesOf(object))
  for (const namespace of new Set(revision !== undefined && homes.length > 0 ? homes : [ownNamespace, ...homes])) yield await annotate(api, namespace)
  for (const { resource, object: { metadata: { name } } } of found) {
    try {
      yield { type: await api.remove(resource, name) ? 'deleted' : 'gone', kind: resource.kind, name }
    } catch (error) {
      yield { type: 'failed', what: `delete ${resource.kind} ${name}`, error: AutoshieldError.from(error) }
    }
  }
}

async function annotate (api: KubernetesApi, name: string): Promise<BreakGlassStep> {
  try {
    const namespace = await api.get(RESOURCES.namespaces, name)
    if (namespace === null) return { type: 'no-namespace', namespace: name }
    // The uid keeps server-side apply from making a namespace that was deleted meanwhile.
    const { uid } = namespace.metadata
    const wanted = { apiVersion: apiVersionOf(RESOURCES.namespaces), kind: RESOURCES.namespaces.kind, metadata: { name, ...(uid !== undefined && { uid }), annotations: { [ANNOTATIONS.webhooks]: 'off' } } }
    await api.apply(RESOURCES.namespaces, wanted, { force: true, fieldManager: FIELD_MANAGER_OF_OPERATORS })
    return { type: 'annotated', namespace: name }
  } catch (error) {
    return { type: 'failed', what: `annotate namespace ${name}`, error: AutoshieldError.from(error) }
  }
}

const homesOf = (object: KubernetesObject): readonly string[] =>
  Entries.Check(object) ? object.webhooks.flatMap(({ clientConfig }) => clientConfig.service?.namespace ?? []) : []
