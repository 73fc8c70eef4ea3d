import type { KubernetesObject } from '../../src/core/kubernetes/object.ts'
import { OBSERVER_CONTAINER, PROXY_CONTAINER } from '../../src/core/injection/names.ts'

export type Json = Readonly<Record<string, unknown>>
export const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** As a list of unknown things: `Array.isArray` alone makes it a list of `any`. */
export const listOf = (value: unknown): readonly unknown[] | null => Array.isArray(value) ? value : null

const LISTS = ['initContainers', 'containers', 'ephemeralContainers', 'volumes', 'imagePullSecrets'] as const
type List = (typeof LISTS)[number]

/** A pod as far as injection reads it. What it does not read is never looked at, so it may be anything. */
export interface PodShape extends Readonly<Record<List, readonly unknown[]>> {
  readonly spec: Json
  readonly metadata: Json
  readonly labels: Json
  readonly annotations: Json
}

/** Null where a part that injection reads has a type that the API server would refuse. Absent and null are empty. */
export function readPod (pod: KubernetesObject): PodShape | null {
  const { metadata, spec }: Json = pod
  if (!isJson(metadata) || !isJson(spec)) return null
  const labels = metadata['labels'] ?? {}
  const annotations = metadata['annotations'] ?? {}
  if (!isJson(labels) || !isJson(annotations)) return null
  const lists: Partial<Record<List, readonly unknown[]>> = {}
  for (const name of LISTS) {
    const list = listOf(spec[name] ?? [])
    if (list === null) return null
    lists[name] = list
  }
  const { initContainers = [], containers = [], ephemeralContainers = [], volumes = [], imagePullSecrets = [] } = lists
  return { spec, metadata, labels, annotations, initContainers, containers, ephemeralContainers, volumes, imagePullSecrets }
}

export const named = (name: string) => (value: unknown): value is Json => isJson(value) && value['name'] === name
export const isObserver = named(OBSERVER_CONTAINER)
export const isProxy = named(PROXY_CONTAINER)
/** Has a name of ours. */
export const isOurs = (value: unknown): value is Json => isObserver(value) || isProxy(value)

/** The containers that are not ours, those that run before the others first. */
export const applicationContainers = ({ initContainers, containers }: PodShape): readonly Json[] =>
  [...initContainers, ...containers].filter((value) => isJson(value)).filter((value) => !isOurs(value))

const MESH_CONTAINERS: ReadonlySet<unknown> = new Set(['istio-proxy', 'istio-init', 'istio-validation', 'linkerd-proxy', 'linkerd-init', 'linkerd-network-validator'])

/** Whether another service mesh redirects the pod's connections. */
export const isMeshed = (pod: PodShape): boolean => applicationContainers(pod).some(({ name }) => MESH_CONTAINERS.has(name))

export function hasPort ({ ports }: { readonly ports?: unknown }, port: number): boolean {
  return Array.isArray(ports) && ports.some((entry: unknown) => isJson(entry) && entry['containerPort'] === port && (entry['protocol'] ?? 'TCP') === 'TCP')
}
