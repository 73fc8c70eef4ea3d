import { ANNOTATIONS, IDENTITY_VOLUME, OBSERVER_CONTAINER, PROXY_CONTAINER } from '../injection/names.ts'
import type { KubernetesObject, ObjectMeta } from '../kubernetes/object.ts'
import { isRecord } from '../kubernetes/read-object.ts'

type Fields = Readonly<Record<string, unknown>>

const META = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'ownerReferences'] as const
const SPEC = ['hostNetwork', 'os', 'nodeSelector', 'restartPolicy'] as const

/**
 * A pod as far as `judgePod` and the decision read it: the controller holds every pod of the cluster, and 10,000
 * of a usual size take 20 MB so instead of 88. What has another type than it should stays as it is, so that it is judged the same.
 */
export function slimPod (pod: KubernetesObject): KubernetesObject {
  const { apiVersion, kind, metadata, spec, status } = pod
  return {
    apiVersion,
    kind,
    metadata: slimMetadata(metadata),
    ...spec === undefined ? {} : { spec: isRecord(spec) ? slimSpec(spec) : spec },
    ...status === undefined ? {} : { status: isRecord(status) ? slimStatus(status) : status },
  }
}

function slimMetadata (metadata: ObjectMeta): ObjectMeta {
  const { name, labels, annotations } = metadata
  return {
    ...pick(metadata, META),
    name,
    ...isRecord(labels) ? { labels: keep(labels, (label) => isOurs(label) || label === 'pod-template-hash') } : pick(metadata, ['labels']),
    ...isRecord(annotations) ? { annotations: slimAnnotations(annotations) } : pick(metadata, ['annotations']),
  }
}

/** Beyond this, a few pods of a cluster, all annotations are kept: the decision measures them (TooLarge, at 262144 bytes; a character is three at most). */
const MANY_CHARACTERS = 32_768

/** The authorities are a certificate or more in each pod, and the judgement asks only whether they are there. */
function slimAnnotations (annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (Object.entries(annotations).flat().join('').length > MANY_CHARACTERS) return annotations
  const kept = keep(annotations, (name) => isOurs(name) || name === 'kubernetes.io/config.mirror')
  return ANNOTATIONS.authorities in kept ? { ...kept, [ANNOTATIONS.authorities]: '' } : kept
}

function slimSpec (spec: Fields): Fields {
  const { affinity } = spec
  return {
    ...pick(spec, SPEC),
    ...isRecord(affinity) ? { affinity: pick(affinity, ['nodeAffinity']) } : {},
    ...slimLists(spec, ['containers', 'initContainers', 'ephemeralContainers'], (container) => pick(container, container['name'] === OBSERVER_CONTAINER || container['name'] === PROXY_CONTAINER ? ['name', 'image'] : ['name'])),
    ...slimLists(spec, ['volumes'], (volume) => volume['name'] === IDENTITY_VOLUME ? volume : pick(volume, ['name'])),
    // Only that it is a list is read.
    ...slimLists(spec, ['imagePullSecrets'], () => ({})),
  }
}

const slimStatus = (status: Fields): Fields => ({
  ...pick(status, ['phase']),
  ...slimLists(status, ['containerStatuses', 'initContainerStatuses'], (container) => pick(container, container['name'] === OBSERVER_CONTAINER ? ['name', 'state'] : ['name'])),
})

const isOurs = (name: string): boolean => name.startsWith('autoshield.dev/')

const slimLists = (of: Fields, names: readonly string[], slim: (entry: Fields) => Fields): Fields =>
  Object.fromEntries(names.filter((name) => name in of).map((name) => [name, listOf(of[name])?.map((entry) => isRecord(entry) ? slim(entry) : entry) ?? of[name]]))

const listOf = (value: unknown): readonly unknown[] | null => Array.isArray(value) ? value : null

const pick = (of: Fields, names: readonly string[]): Fields => Object.fromEntries(names.filter((name) => name in of).map((name) => [name, of[name]]))

const keep = (of: Readonly<Record<string, string>>, wanted: (name: string) => boolean): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(of).filter(([name]) => wanted(name)))
