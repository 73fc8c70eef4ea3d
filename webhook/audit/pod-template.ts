import { parseInjectionStatus, type InjectionStatus } from '../../src/core/injection/status.ts'
import { ANNOTATIONS, IDENTITY_VOLUME, OBSERVER_CONTAINER } from '../../src/core/injection/names.ts'
import type { Change } from './change.ts'
import { fieldsAt, listAt, mapAt, textAt, type Fields } from './field.ts'

/** Where each kind keeps the pod that it makes. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  '/pods': [],
  '/replicationcontrollers': ['spec', 'template'],
  'apps/deployments': ['spec', 'template'],
  'apps/statefulsets': ['spec', 'template'],
  'apps/daemonsets': ['spec', 'template'],
  'apps/replicasets': ['spec', 'template'],
  'batch/jobs': ['spec', 'template'],
  'batch/cronjobs': ['spec', 'jobTemplate', 'spec', 'template'],
}

/** A pod, or what a workload makes its pods of. */
export interface PodTemplate {
  /** Path of the pod in its object, to put before a field's name; empty for a pod, else with a dot at the end. */
  readonly path: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly spec: Fields
}

export interface Container {
  /** Path of the container in the pod, by its name. */
  readonly path: string
  readonly name: string
  readonly fields: Fields
}

export const podTemplate = (pod: Fields): PodTemplate => templateAt(pod, [])

/** The pods of a change before and after it; null where there is none. `subresource` ephemeralcontainers is the pod, too. */
export function templatesOf ({ group, plural, subresource, before, after }: Change): { before: PodTemplate | null, after: PodTemplate } | null {
  const path = TEMPLATES[`${group}/${plural}`]
  if (path === undefined || after === null || (subresource !== '' && subresource !== 'ephemeralcontainers')) return null
  return { before: before === null ? null : templateAt(before, path), after: templateAt(after, path) }
}

const templateAt = (object: Fields, path: readonly string[]): PodTemplate => ({
  path: path.map((name) => `${name}.`).join(''),
  labels: mapAt(object, ...path, 'metadata', 'labels'),
  annotations: mapAt(object, ...path, 'metadata', 'annotations'),
  spec: fieldsAt(object, ...path, 'spec'),
})

export const containersOf = ({ path, spec }: PodTemplate): readonly Container[] =>
  ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) => listAt(spec, list).map((item) => {
    const name = textAt(item, 'name')
    return { path: `${path}spec.${list}[${name}]`, name, fields: fieldsAt(item) }
  }))

export const volumesOf = ({ path, spec }: PodTemplate): readonly Container[] => listAt(spec, 'volumes').map((item) => {
  const name = textAt(item, 'name')
  return { path: `${path}spec.volumes[${name}]`, name, fields: fieldsAt(item) }
})

/** The observer's status where all that it names is there; null where there is none or it is not true. */
export function injectionOf (template: PodTemplate): InjectionStatus | null {
  const text = template.annotations[ANNOTATIONS.status]
  const status = text === undefined ? null : parseInjectionStatus(text)
  if (status === null) return null
  const names = new Set(containersOf(template).map(({ name }) => name))
  return names.has(OBSERVER_CONTAINER) && status.containers.every((name) => names.has(name)) ? status : null
}

/** Fields of a pod that have a name of ours. */
export const oursIn = (template: PodTemplate): readonly Container[] => [
  ...containersOf(template).filter(({ name }) => name === OBSERVER_CONTAINER),
  ...volumesOf(template).filter(({ name }) => name === IDENTITY_VOLUME),
]
