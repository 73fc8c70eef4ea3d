import type { KubernetesObject } from '../core/kubernetes/object.ts'
import type { Resource } from '../core/kubernetes/resource.ts'

/** Which objects: all of them, or those of one namespace, or those with labels, or those with fields. */
export interface Scope {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

/** `synced` opens a watch and comes again whenever it had to be begun anew: it holds all there is as of its version. */
export type WatchEvent<T = KubernetesObject> =
  | { readonly type: 'synced', readonly objects: readonly T[], readonly resourceVersion: string }
  | { readonly type: 'put', readonly object: T }
  | { readonly type: 'gone', readonly object: T }

/**
 * The Kubernetes API as far as AutoShield uses it. Throws AutoshieldError: CONFLICT (exists already, or changed
 * meanwhile), NOT_FOUND, UNTRUSTED (no permission; the message names verb and resource), BAD_DATA (the API server
 * refuses the object, in its own words), UNAVAILABLE (it does not answer).
 */
export interface KubernetesApi {
  /** Null where there is none. */
  get: (resource: Resource, name: string, namespace?: string) => Promise<KubernetesObject | null>
  list: (resource: Resource, scope?: Scope) => Promise<readonly KubernetesObject[]>
  /** The namespace is the object's own. */
  create: (resource: Resource, object: unknown, options?: { dryRun?: boolean, subresource?: string }) => Promise<KubernetesObject>
  /** Only where `metadata.resourceVersion` is still the newest. */
  replace: (resource: Resource, object: KubernetesObject, options?: { subresource?: string }) => Promise<KubernetesObject>
  /** Server-side apply under our field manager, or another of ours that is named; without `force` a field that somebody else owns is a CONFLICT. */
  apply: (resource: Resource, object: unknown, options?: { force?: boolean, dryRun?: boolean, subresource?: string, fieldManager?: string }) => Promise<KubernetesObject>
  /** False where there was none. */
  remove: (resource: Resource, name: string, options?: { namespace?: string, uid?: string }) => Promise<boolean>
  /**
   * Lists, then follows; reconnects by itself, and ends only when aborted. With `read`, only what it makes of an object
   * is kept, so that a long list is never held whole; it must not throw.
   */
  watch: {
    (resource: Resource, scope: Scope, signal: AbortSignal): AsyncIterable<WatchEvent>
    <T>(resource: Resource, scope: Scope, signal: AbortSignal, read: (object: KubernetesObject) => T): AsyncIterable<WatchEvent<T>>
  }
  /** A path that serves no objects, as text: `/version`, `/metrics`. */
  text: (path: string) => Promise<string>
}
