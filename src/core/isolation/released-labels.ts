import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { matcherOf, type LabelSelector, type Labels } from '../kubernetes/label-selector.ts'
import type { KubernetesObject } from '../kubernetes/object.ts'

/** Annotation of a pod that some of its labels were taken from, so that nothing that selects by them finds it. */
export const RELEASED_KEY = 'autoshield.dev/released-labels'

/** What the annotation holds, as JSON. */
const ReleasedShape = Type.Object({
  /** Namespace of the AutoShield that took them. */
  installation: Type.String(),
  labels: Type.Record(Type.String(), Type.String()),
  /** `KIND/NAME` of the workload that it was of; null for none. Its owner lets go of a pod that it does not select. */
  workload: Type.Union([Type.String({ maxLength: 317 }), Type.Null()]),
}, { additionalProperties: false })
export type Released = Static<typeof ReleasedShape>
const validator = Compile(ReleasedShape)

/** Null where nothing was taken, or the annotation cannot be understood. */
export function readReleased ({ metadata: { annotations = {} } }: Pick<KubernetesObject, 'metadata'>): Released | null {
  const text = annotations[RELEASED_KEY]
  if (text === undefined) return null
  try {
    const value: unknown = JSON.parse(text)
    return validator.Check(value) ? value : null
  } catch {
    return null // whoever may write a pod's annotations may write anything there
  }
}

/** The selectors of one namespace that find pods. */
export interface PodSelectors {
  readonly services: readonly LabelSelector[]
  readonly replicaSets: readonly LabelSelector[]
}

export const RELABELS = ['services', 'owner-and-services'] as const
/** Out of whose selection a pod is taken. */
export type Relabel = (typeof RELABELS)[number]

/** A pod as far as it tells by what it is found. */
interface Found {
  readonly labels: Labels
  readonly released?: Released
  readonly workload?: string | null
}

/**
 * What an isolation takes a pod out of; null for nothing. A ReplicaSet makes another pod for one that it does not select any more; no
 * other owner is taken for one that does so at no cost: a StatefulSet cannot, for the name is taken.
 *
 *     workload               | a Service selects it | relabel
 *     Deployment, ReplicaSet | -                    | owner-and-services
 *     another, none          | yes                  | services
 *     another, none          | no                   | null
 */
export function relabelOf (pod: Found, selectors: PodSelectors): Relabel | null {
  if (/^(?:Deployment|ReplicaSet)\//.test(pod.workload ?? '')) return 'owner-and-services'
  return keysOf(pod, selectors.services).length > 0 ? 'services' : null
}

/**
 * Keys of the labels that are to be taken from the pod, in order. What was taken before stays taken, so that a selector that is not
 * known for a moment, or goes with its object, brings no label back while the isolation lasts.
 *
 *     relabel            | labels asked for by
 *     services           | the Services that select it, and what was taken
 *     owner-and-services | the Services and ReplicaSets that select it, and what was taken
 */
export function releasedKeys (pod: Found, relabel: Relabel, { services, replicaSets }: PodSelectors): readonly string[] {
  const found = keysOf(pod, relabel === 'services' ? services : [...services, ...replicaSets])
  return [...new Set([...found, ...Object.keys(pod.released?.labels ?? {})])].sort()
}

/** Judged on the labels that it had. A key that a selector forbids (`NotIn`, `DoesNotExist`) is none that could be taken away. */
function keysOf ({ labels, released }: Found, selectors: readonly LabelSelector[]): readonly string[] {
  const had = { ...labels, ...released?.labels }
  return selectors.filter((selector) => matcherOf(selector)(had)).flatMap(({ matchLabels = {}, matchExpressions = [] }) => [
    ...Object.keys(matchLabels), ...matchExpressions.flatMap(({ key, operator }) => operator === 'In' || operator === 'Exists' ? [key] : []),
  ])
}

/**
 * The pod without these labels, or null where it is so. To be written with the version that was read.
 *
 *     label     | in the annotation | pod after
 *     there     | no                | without it; the annotation keeps its value
 *     there     | yes               | without it: somebody put it back; the annotation keeps the value that it had first
 *     not there | -                | as it is
 */
export function releasedPod (pod: KubernetesObject, keys: readonly string[], { installation, workload }: Omit<Released, 'labels'>): KubernetesObject | null {
  const { labels = {}, annotations = {} } = pod.metadata
  const before = readReleased(pod)
  const part = (isTaken: boolean): Labels => Object.fromEntries(Object.entries(labels).filter(([key]) => keys.includes(key) === isTaken))
  const taken = part(true)
  if (Object.keys(taken).length === 0) return null
  const released: Released = before === null ? { installation, labels: { ...taken }, workload } : { ...before, labels: { ...taken, ...before.labels } }
  return { ...pod, metadata: { ...pod.metadata, labels: part(false), annotations: { ...annotations, [RELEASED_KEY]: JSON.stringify(released) } } }
}

/** The pod with the labels that were taken, or null where none are. A label that somebody gave it meanwhile stays. */
export function restoredPod (pod: KubernetesObject): KubernetesObject | null {
  const released = readReleased(pod)
  if (released === null) return null
  const { labels = {}, annotations: { [RELEASED_KEY]: _, ...annotations } = {} } = pod.metadata
  return { ...pod, metadata: { ...pod.metadata, labels: { ...released.labels, ...labels }, annotations } }
}
