import { isDeepStrictEqual } from 'node:util'
import type { InjectionDecision, InjectionProfile } from '../../src/core/injection/decision.ts'
import { ANNOTATIONS, IDENTITY_VOLUME, OBSERVER_CONTAINER, PROXY_CONTAINER, PROXY_VOLUMES } from '../../src/core/injection/names.ts'
import type { InjectionContext } from '../../src/core/injection/settings.ts'
import type { InjectionStatus } from '../../src/core/injection/status.ts'
import type { KubernetesObject } from '../../src/core/kubernetes/object.ts'
import { identityVolume, logVolume, observerContainer } from './observer-container.ts'
import { statusOf } from './ours.ts'
import { applicationContainers, hasPort, isJson, isMeshed, isOurs, type Json, listOf, named, type PodShape, readPod } from './pod-shape.ts'
import { proxyContainer, proxyVolume } from './proxy-container.ts'
import { chooseResources, proxyResources } from './resources.ts'
import { templateHash } from './template-hash.ts'

type Inject = Pick<Extract<InjectionDecision, { kind: 'inject' }>, 'profile'>

/**
 * The pod with its observer. Never changes `pod`; what stays as it is, is the same object in both, which is what
 * `patchOf` goes by. Applied to its own result it changes nothing.
 */
export function applyInjection (pod: KubernetesObject, { profile }: Inject, context: InjectionContext): KubernetesObject {
  const shape = readPod(pod)
  if (shape === null) return pod
  const made = containersFor(shape, profile, context)
  const spec = withLists(shape.spec, {
    ...withContainers(shape, profile.form, made),
    volumes: withVolumes(shape, profile, context),
    imagePullSecrets: withPullSecrets(shape.imagePullSecrets, context.settings.imagePullSecrets),
  })
  const annotations = replaceFields(shape.annotations, { [ANNOTATIONS.authorities]: context.authorities, [ANNOTATIONS.status]: statusText(profile, context) })
  const metadata = annotations === shape.annotations ? shape.metadata : { ...shape.metadata, annotations }
  if (spec === shape.spec && metadata === shape.metadata) return pod
  return { ...pod, metadata: { ...pod.metadata, ...metadata }, spec }
}

/**
 * Native sidecars stand first, so that the observer sees what the other init containers do; ordinary ones last, so that `kubectl logs`
 * shows the application.
 */
function withContainers (pod: PodShape, form: InjectionProfile['form'], made: readonly Json[]): { initContainers: readonly unknown[], containers: readonly unknown[] } {
  const present = (container: Json): Json | undefined => [...pod.initContainers, ...pod.containers].find((value) => isJson(value) && value['name'] === container['name']) as Json | undefined
  const [list, place] = form === 'native' ? [pod.initContainers, 0] as const : [pod.containers, ordinaryPlace(pod.containers)] as const
  const own = made.map((container, at) => {
    const found = present(container)
    const completed = asPresent(container, found)
    return found !== undefined && list.indexOf(found) === place + at ? reuse(completed, found) : completed // what moves is another object: taken out there, put in here
  })
  const placed = unlessEqual(list, others(list).toSpliced(place, 0, ...own))
  return form === 'native' ? { initContainers: placed, containers: others(pod.containers) } : { initContainers: others(pod.initContainers), containers: placed }
}

/** Where ours are already, or behind the application's. */
function ordinaryPlace (containers: readonly unknown[]): number {
  const place = containers.findIndex(isOurs)
  return place === -1 ? containers.length : place
}

const others = (list: readonly unknown[]): readonly unknown[] => list.some(isOurs) ? list.filter((value) => !isOurs(value)) : list

function containersFor (pod: PodShape, profile: InjectionProfile, { settings }: InjectionContext): readonly Json[] {
  const health = !applicationContainers(pod).some((container) => hasPort(container, settings.healthPort))
  const { proxy, form } = profile
  const observer = observerContainer({ profile, settings, resources: chooseResources(pod, settings).resources, health, probe: !isMeshed(pod), xds: proxy === undefined ? null : settings.xds })
  return proxy === undefined ? [observer] : [observer, proxyContainer({ proxy, form, settings, resources: proxyResources(pod, settings), health })]
}

/**
 * Plugins of the API server itself go over the containers once more after us, and fighting them would have the pod
 * refused (AlwaysPullImages) or call nearly every pod changed (ServiceAccount, and LimitRanger, which gives each container
 * what its LimitRange has by default and the container does not name). What they add is kept.
 */
function asPresent (made: Json, present: Json | undefined): Json {
  if (present === undefined) return made
  const added = (listOf(present['volumeMounts']) ?? []).filter(isApiToken)
  return {
    ...made,
    ...(present['imagePullPolicy'] === 'Always' ? { imagePullPolicy: 'Always' } : {}),
    resources: withDefaults(made['resources'], present['resources']),
    ...(added.length === 1 ? { volumeMounts: [...listOf(made['volumeMounts']) ?? [], ...added] } : {}),
  }
}

const BY_LIMIT_RANGE = ['cpu', 'memory', 'ephemeral-storage'] as const

function withDefaults (made: unknown, present: unknown): unknown {
  if (!isJson(made) || !isJson(present)) return made
  const merged = (['limits', 'requests'] as const).flatMap((group) => {
    const [own, found] = [made[group], present[group]]
    const added = isJson(found) ? BY_LIMIT_RANGE.filter((name) => typeof found[name] === 'string' && !(isJson(own) && Object.hasOwn(own, name))) : []
    return added.length === 0 || !isJson(found) ? [] : [[group, { ...isJson(own) ? own : {}, ...Object.fromEntries(added.map((name) => [name, found[name]])) }] as const]
  })
  return { ...made, ...Object.fromEntries(merged) }
}

const isApiToken = (mount: unknown): boolean => isJson(mount) && typeof mount['name'] === 'string' && /^kube-api-access-[a-z0-9]+$/.test(mount['name']) &&
  isDeepStrictEqual({ ...mount, name: '' }, { name: '', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true })

function withVolumes (pod: PodShape, { proxy }: InjectionProfile, { settings }: InjectionContext): readonly unknown[] {
  const volumes = withVolume(pod.volumes, identityVolume(settings))
  if (proxy !== undefined) return [proxyVolume(), logVolume()].reduce(withVolume, volumes)
  // A volume of such a name which no status of ours lists is somebody's own.
  const left = PROXY_VOLUMES.filter((name) => statusOf(pod)?.volumes.includes(name) === true)
  return unlessEqual(volumes, volumes.filter((volume) => !left.some((name) => named(name)(volume))))
}

function withVolume (volumes: readonly unknown[], made: Json): readonly unknown[] {
  const isIt = named(String(made['name']))
  const place = volumes.findIndex(isIt)
  const present = volumes[place]
  const rest = volumes.filter((volume) => !isIt(volume))
  return unlessEqual(volumes, rest.toSpliced(place === -1 ? rest.length : place, 0, reuse(made, present)))
}

function withPullSecrets (present: readonly unknown[], wanted: readonly string[]): readonly unknown[] {
  const missing = wanted.filter((name) => !present.some(named(name)))
  return missing.length === 0 ? present : [...present, ...missing.map((name) => ({ name }))]
}

/** Equal pods and settings give equal text: the keys have this order. */
function statusText ({ source, level, form, why, proxy }: InjectionProfile, context: InjectionContext): string {
  const status: InjectionStatus = {
    revision: context.settings.revision,
    template: templateHash(context),
    source,
    level,
    form,
    why,
    containers: [OBSERVER_CONTAINER, ...proxy === undefined ? [] : [PROXY_CONTAINER]],
    volumes: [IDENTITY_VOLUME, ...proxy === undefined ? [] : PROXY_VOLUMES],
    ...proxy === undefined ? {} : { proxy },
  }
  return JSON.stringify(status)
}

/** `made`, with every part taken from `present` that is equal there: the patch then holds the difference and no more. */
function reuse (made: unknown, present: unknown): unknown {
  if (isDeepStrictEqual(made, present)) return present
  if (isJson(made) && isJson(present)) return Object.fromEntries(Object.entries(made).map(([name, value]) => [name, reuse(value, present[name])]))
  const [list, others] = [listOf(made), listOf(present)]
  return list === null || others === null ? made : list.map((value) => others.find((other) => isDeepStrictEqual(value, other)) ?? value)
}

const unlessEqual = (before: readonly unknown[], after: readonly unknown[]): readonly unknown[] =>
  before.length === after.length && before.every((value, at) => value === after[at]) ? before : after

/** A list that is empty before and after may be absent or null; it stays so. */
function withLists (spec: Json, lists: Readonly<Record<string, readonly unknown[]>>): Json {
  return replaceFields(spec, Object.fromEntries(Object.entries(lists).filter(([name, list]) => list.length > 0 || Array.isArray(spec[name]))))
}

function replaceFields (object: Json, fields: Json): Json {
  return Object.entries(fields).every(([name, value]) => object[name] === value) ? object : { ...object, ...fields }
}
