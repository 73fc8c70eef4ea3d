import { ANNOTATIONS, IDENTITY_VOLUME, PROXY_VOLUMES, TOKEN_AUDIENCE } from '../../src/core/injection/names.ts'
import type { InjectionSettings } from '../../src/core/injection/settings.ts'
import { type InjectionStatus, parseInjectionStatus } from '../../src/core/injection/status.ts'
import { isJson, isOurs, type Json, named, type PodShape } from './pod-shape.ts'

export type Traces =
  /** Nothing in the pod has a name of ours. */
  | { readonly kind: 'none' }
  /** Something has, and is not ours: `what` names it. */
  | { readonly kind: 'foreign', readonly what: string }
  | { readonly kind: 'ours' }

/**
 * Whether what has our names is ours, perhaps changed by somebody, or a stranger's.
 *
 * | container of a name of ours | volume of a name of ours | traces |
 * | --- | --- | --- |
 * | none | none | none, whatever the status says |
 * | our image's repository, or a readable status lists it | any | ours |
 * | any other, or an ephemeral one | any | foreign |
 * | none | asks for our token, or a readable status lists it | ours: the container was taken out (the proxy's volumes ask for no token: by the status alone) |
 * | none | any other | foreign |
 *
 * This is no question of trust. Whatever counts as ours is made exactly ours again, and nothing of a forgery is left;
 * the rule only keeps us from throwing away a container that some application needs. A stranger is left alone and told.
 */
export function tracesOf (pod: PodShape, settings: InjectionSettings): Traces {
  const status = statusOf(pod)
  const containers = [...pod.initContainers, ...pod.containers].filter(isOurs)
  const listed = (name: unknown, list: readonly string[] = []): boolean => list.some((known) => known === name)
  const foreign = containers.find((container) => !listed(container['name'], status?.containers) && !hasImageOf(container, settings)) ?? pod.ephemeralContainers.find(isOurs)
  if (foreign !== undefined) return { kind: 'foreign', what: `container ${String(foreign['name'])}` }
  if (containers.length > 0) return { kind: 'ours' }
  const volumes = [IDENTITY_VOLUME, ...PROXY_VOLUMES].flatMap((name) => pod.volumes.filter(named(name)))
  if (volumes.length === 0) return { kind: 'none' }
  const stranger = volumes.find((volume) => !listed(volume['name'], status?.volumes) && !asksForOurToken(volume))
  return stranger === undefined ? { kind: 'ours' } : { kind: 'foreign', what: `volume ${String(stranger['name'])}` }
}

/** Null where the annotation cannot be read, undefined where there is none. */
export function statusOf ({ annotations }: PodShape): InjectionStatus | null | undefined {
  const text = annotations[ANNOTATIONS.status]
  if (text === undefined) return undefined
  return typeof text === 'string' ? parseInjectionStatus(text) : null
}

const hasImageOf = (container: Json, { image }: InjectionSettings): boolean =>
  typeof container['image'] === 'string' && repository(container['image']) === repository(image)

/** `registry:5000/team/name:tag@sha256:...` -> `registry:5000/team/name`. */
const repository = (image: string): string => (image.split('@')[0] ?? '').replace(/:[^/:]*$/, '')

function asksForOurToken (volume: unknown): boolean {
  const projected = isJson(volume) ? volume['projected'] : undefined
  const sources: unknown = isJson(projected) ? projected['sources'] : undefined
  return Array.isArray(sources) && sources.some((source: unknown) => {
    const token = isJson(source) ? source['serviceAccountToken'] : undefined
    return isJson(token) && token['audience'] === TOKEN_AUDIENCE
  })
}
