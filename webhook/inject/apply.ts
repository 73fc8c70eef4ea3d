import { isDeepStrictEqual } from 'node:util'
import type { InjectionDecision, InjectionProfile } from '../../src/core/injection/decision.ts'
import { ANNOTATIONS, IDENTITY_VOLUME, OBSERVER_CONTAINER } from '../../src/core/injection/names.ts'
import type { InjectionContext } from '../../src/core/injection/settings.ts'
import type { InjectionStatus } from '../../src/core/injection/status.ts'
import type { KubernetesObject } from '../../src/core/kubernetes/object.ts'
import { identityVolume, observerContainer } from './observer-container.ts'
import { applicationContainers, isJson, isObserver, type Json, listOf, named, type PodShape, readPod } from './pod-shape.ts'
import { chooseResources } from './resources.ts'
import { templateHash } from './template-hash.ts'

type Inject = Pick<Extract<InjectionDecision, { kind: 'inject' }>, 'profile'>

/**
 * The pod with its observer. Never changes `pod`; what stays as it is, is the same object in both, which is what
 * `patchOf` goes by. Applied to its own result it changes nothing.
 */
export function applyInjection (pod: KubernetesObject, { profile }: Inject, context: InjectionContext): KubernetesObject {
  const shape = readPod(pod)
  if (shape === null) return pod
  const spec = withLists(shape.spec, {
    ...withObserver(shape, profile, context),
    volumes: withVolume(shape.volumes, identityVolume(context.settings)),
    imagePullSecrets: withPullSecrets(shape.imagePullSecrets, context.settings.imagePullSecrets),
  })
  const annotations = replaceFields(shape.annotations, { [ANNOTATIONS.authorities]: context.authorities, [ANNOTATIONS.status]: statusText(profile, context) })
  const metadata = annotations === shape.annotations ? shape.metadata : { ...shape.metadata, annotations }
  if (spec === shape.spec && metadata === shape.metadata) return pod
  return { ...pod, metadata: { ...pod.metadata, ...metadata }, spec }
}

/** A native sidecar stands first, so that it sees what the other init containers do; an ordinary one last, so that `kubectl logs` shows the application. */
function withObserver (pod: PodShape, profile: InjectionProfile, context: InjectionContext): { initContainers: readonly unknown[], containers: readonly unknown[] } {
  const present = [...pod.initContainers, ...pod.containers].find(isObserver)
  const made = asPresent(makeContainer(pod, profile, context), present)
  const stays = profile.form === 'native' ? pod.initContainers[0] === present : pod.containers.includes(present)
  const container = stays ? reuse(made, present) : made // what moves is another object: taken out here, put in there
  if (profile.form === 'native') return { initContainers: unlessEqual(pod.initContainers, [container, ...others(pod.initContainers)]), containers: others(pod.containers) }
  const place = pod.containers.findIndex(isObserver)
  const containers = others(pod.containers)
  return { initContainers: others(pod.initContainers), containers: unlessEqual(pod.containers, containers.toSpliced(place === -1 ? containers.length : place, 0, container)) }
}

const others = (list: readonly unknown[]): readonly unknown[] => list.some(isObserver) ? list.filter((value) => !isObserver(value)) : list

function makeContainer (pod: PodShape, profile: InjectionProfile, { settings }: InjectionContext): Json {
  const applications = applicationContainers(pod)
  return observerContainer({
    profile,
    settings,
    resources: chooseResources(pod, settings).resources,
    health: !applications.some((container) => hasPort(container, settings.healthPort)),
    probe: !applications.some(({ name }) => MESH_CONTAINERS.has(name)),
  })
}

const MESH_CONTAINERS: ReadonlySet<unknown> = new Set(['istio-proxy', 'istio-init', 'istio-validation', 'linkerd-proxy', 'linkerd-init', 'linkerd-network-validator'])

function hasPort ({ ports }: { readonly ports?: unknown }, port: number): boolean {
  return Array.isArray(ports) && ports.some((entry: unknown) => isJson(entry) && entry['containerPort'] === port && (entry['protocol'] ?? 'TCP') === 'TCP')
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

function withVolume (volumes: readonly unknown[], made: Json): readonly unknown[] {
  const place = volumes.findIndex(named(IDENTITY_VOLUME))
  const present = volumes[place]
  const rest = volumes.filter((volume) => !named(IDENTITY_VOLUME)(volume))
  return unlessEqual(volumes, rest.toSpliced(place === -1 ? rest.length : place, 0, reuse(made, present)))
}

function withPullSecrets (present: readonly unknown[], wanted: readonly string[]): readonly unknown[] {
  const missing = wanted.filter((name) => !present.some(named(name)))
  return missing.length === 0 ? present : [...present, ...missing.map((name) => ({ name }))]
}

/** Equal pods and settings give equal text: the keys have this order. */
function statusText ({ source, level, form, why }: InjectionProfile, context: InjectionContext): string {
  const status: InjectionStatus = {
    revision: context.settings.revision, template: templateHash(context), source, level, form, why, containers: [OBSERVER_CONTAINER], volumes: [IDENTITY_VOLUME],
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
