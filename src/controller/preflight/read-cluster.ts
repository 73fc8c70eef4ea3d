import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { KubernetesObject, Namespace } from '../../core/kubernetes/object.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { ClockReading } from '../../core/preflight/check-clocks.ts'
import type { BackEnd } from '../../core/preflight/check-deadlock.ts'
import type { ImageFacts } from '../../core/preflight/check-image.ts'
import { entriesOf, isFail, type WebhookEntry } from '../../core/preflight/webhook-entry.ts'
import type { Clock } from '../../ports/clock.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import { readyEndpoints } from '../registration/cluster-view.ts'

export const readNamespaces = async (api: KubernetesApi): Promise<readonly Namespace[]> =>
  (await api.list(RESOURCES.namespaces)).map(({ metadata: { name, labels = {}, annotations = {} } }) => ({ name, labels, annotations }))

/** Everybody's webhooks, in the order in which the API server calls them: configurations by name, entries as they stand. */
export async function readWebhooks (api: KubernetesApi): Promise<readonly WebhookEntry[]> {
  const byName = (objects: readonly KubernetesObject[]): readonly KubernetesObject[] => objects.toSorted((a, b) => a.metadata.name < b.metadata.name ? -1 : 1)
  const [mutating, validating] = [await api.list(RESOURCES.mutatingWebhooks), await api.list(RESOURCES.validatingWebhooks)]
  return [...byName(mutating).flatMap((object) => entriesOf('mutating', object)), ...byName(validating).flatMap((object) => entriesOf('validating', object))]
}

const Service = Compile(Type.Object({ spec: Type.Optional(Type.Object({ selector: Type.Optional(Type.Record(Type.String(), Type.String())) })) }))

/** Who answers those webhooks that may refuse. */
export async function readBackEnds (api: KubernetesApi, entries: readonly WebhookEntry[], namespaces: readonly Namespace[]): Promise<readonly BackEnd[]> {
  const services = new Map(entries.filter(isFail).flatMap(({ clientConfig: { service } }) => service === undefined ? [] : [[`${service.namespace}/${service.name}`, service]]))
  return Promise.all([...services.values()].map(async ({ namespace, name }) => {
    const service = await api.get(RESOURCES.services, name, namespace)
    const selector = Service.Check(service) ? service.spec?.selector ?? {} : {}
    const labelSelector = Object.entries(selector).map(([key, value]) => `${key}=${value}`).join(',')
    const pods = labelSelector === '' ? [] : await api.list(RESOURCES.pods, { namespace, labelSelector })
    return {
      namespace,
      service: name,
      namespaceLabels: namespaces.find((known) => known.name === namespace)?.labels ?? {},
      podLabels: pods.map(({ metadata }) => metadata.labels ?? {}),
      ready: await readReady(api, namespace, name),
    }
  }))
}

export async function readReady (api: KubernetesApi, namespace: string, service: string): Promise<number> {
  const slices = await api.list(RESOURCES.endpointSlices, { namespace, labelSelector: `kubernetes.io/service-name=${service}` })
  return slices.reduce((sum, slice) => sum + readyEndpoints(slice), 0)
}

const Lease = Compile(Type.Object({ spec: Type.Object({ renewTime: Type.String() }) }))
const Written = Compile(Type.Array(Type.Object({ operation: Type.Optional(Type.String()), time: Type.String() })))

/**
 * The API server's clock in what it writes down itself: when it made an object (also one of a dry run), and when a kubelet
 * last wrote its Lease (managedFields), beside the time that the kubelet wrote into it.
 */
export async function readClocks (api: KubernetesApi, clock: Clock, namespace: string): Promise<readonly ClockReading[]> {
  const fromMs = clock.now()
  const made = await api.create(RESOURCES.configMaps, { metadata: { name: 'autoshield-check', namespace } }, { dryRun: true })
  const untilMs = clock.now()
  const leases = await api.list(RESOURCES.leases, { namespace: 'kube-node-lease' })
  return [
    { whose: 'this machine', fromMs, untilMs, serverMs: Date.parse(made.metadata.creationTimestamp ?? '') },
    ...leases.flatMap((lease) => {
      const fields = lease.metadata['managedFields']
      const last = Written.Check(fields) ? fields.map(({ time }) => Date.parse(time)).sort((a, b) => b - a)[0] : undefined
      if (!Lease.Check(lease) || last === undefined) return []
      const renewMs = Date.parse(lease.spec.renewTime)
      // The write takes a while to arrive; a busy node a second or so.
      return [{ whose: `node ${lease.metadata.name}`, fromMs: renewMs, untilMs: renewMs + 2_000, serverMs: last }]
    }),
  ]
}

const Node = Compile(Type.Object({ status: Type.Optional(Type.Object({ images: Type.Optional(Type.Array(Type.Object({ names: Type.Optional(Type.Union([Type.Null(), Type.Array(Type.String())])) }))) })) }))
const waiting = Type.Optional(Type.Array(Type.Object({
  image: Type.String(),
  state: Type.Optional(Type.Object({ waiting: Type.Optional(Type.Object({ reason: Type.Optional(Type.String()), message: Type.Optional(Type.String()) })) })),
})))
const Pod = Compile(Type.Object({ status: Type.Object({ containerStatuses: waiting, initContainerStatuses: waiting }) }))
/** kubelet's nodeStatusMaxImages. */
const MAX_IMAGES = 50
const PULL_TROUBLE = ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName']

export async function readImage (api: KubernetesApi, image: string, pullPolicy: string, namespaces: readonly string[]): Promise<ImageFacts> {
  const nodes = await api.list(RESOURCES.nodes)
  const pods = (await Promise.all(namespaces.map(async (namespace) => api.list(RESOURCES.pods, { namespace, fieldSelector: 'status.phase=Pending' })))).flat()
  return {
    image,
    pullPolicy,
    nodes: nodes.map((node) => {
      const images = Node.Check(node) ? node.status?.images ?? [] : []
      return { name: node.metadata.name, images: images.flatMap(({ names }) => names ?? []), full: images.length >= MAX_IMAGES }
    }),
    waiting: pods.flatMap((pod) => {
      if (!Pod.Check(pod)) return []
      const { containerStatuses = [], initContainerStatuses = [] } = pod.status
      return [...initContainerStatuses, ...containerStatuses].flatMap((status) => {
        const { reason = '', message = '' } = status.state?.waiting ?? {}
        return status.image === image && PULL_TROUBLE.includes(reason) ? [{ pod: `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`, reason, message }] : []
      })
    }),
  }
}
