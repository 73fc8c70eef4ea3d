import { isDeepStrictEqual } from 'node:util'
import type { AdmissionFinding } from '../../src/core/admission/entry.ts'
import { ANNOTATIONS, IDENTITY_VOLUME, OBSERVER_CONTAINER, PROXY_CONTAINER, PROXY_VOLUMES } from '../../src/core/injection/names.ts'
import type { KubernetesObject } from '../../src/core/kubernetes/object.ts'
import { finding } from './finding.ts'
import { statusOf } from './ours.ts'
import { type Json, named, type PodShape, readPod } from './pod-shape.ts'

/**
 * What somebody changed of an observer, or of the proxy beside it, that had been injected, as a finding; none where everything is explained
 * otherwise: the pod was made from a manifest that was injected for other settings, another level or an older cluster
 * (its status says so), another injector put its container before ours, or a service mesh redirected our probe to
 * itself. Who forges such a status is silent here, and gets exactly our observer all the same.
 */
export function changesToObserver (before: PodShape, repaired: KubernetesObject): readonly AdmissionFinding[] {
  const after = readPod(repaired)
  if (after === null || isForOthers(statusOf(before), statusOf(after))) return []
  const changed = [...[OBSERVER_CONTAINER, PROXY_CONTAINER].flatMap((name) => changedInContainer(name, containersNamed(name, before), containersNamed(name, after)[0])), ...changedBeside(before, after)]
  return changed.length === 0 ? [] : [finding('ObserverChanged', `${changed.join(', ')} of the pod's observer came otherwise than AutoShield makes it; it is put right. Look who else changes pods here.`)]
}

type Status = ReturnType<typeof statusOf>

const isForOthers = (before: Status, after: Status): boolean => before != null && after != null &&
  ((['template', 'level', 'source', 'form'] as const).some((field) => before[field] !== after[field]) || !isDeepStrictEqual(before.proxy, after.proxy))

const containersNamed = (name: string, { initContainers, containers }: PodShape): readonly Json[] => [...initContainers, ...containers].filter(named(name))

function changedInContainer (name: string, before: readonly Json[], after: Json | undefined): readonly string[] {
  const [present, ...more] = before
  if (present === undefined && after === undefined) return []
  if (present === undefined || after === undefined) return [`container ${name}`]
  const fields = new Set([...Object.keys(present), ...Object.keys(after)])
  if (after['livenessProbe'] === undefined) fields.delete('livenessProbe')
  const changed = [...fields].filter((field) => !isDeepStrictEqual(present[field], after[field])).sort()
  return [...changed.map((field) => `container field ${JSON.stringify(field.slice(0, 80))}`).slice(0, 8), ...(more.length > 0 ? ['a second container of its name'] : [])]
}

function changedBeside (before: PodShape, after: PodShape): readonly string[] {
  const volumes = (name: string, pod: PodShape): readonly unknown[] => pod.volumes.filter(named(name))
  return [
    ...[IDENTITY_VOLUME, ...PROXY_VOLUMES].filter((name) => !isDeepStrictEqual(volumes(name, before), volumes(name, after))).map((name) => `volume ${name}`),
    ...[ANNOTATIONS.authorities, ANNOTATIONS.status].filter((name) => before.annotations[name] !== after.annotations[name]).map((name) => `annotation ${name}`),
  ]
}
