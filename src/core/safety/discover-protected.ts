import type { Pod } from '../pod.ts'
import type { Protected } from './protected.ts'
import type { ProtectionView, ServiceView } from './protection-view.ts'
import { ALWAYS_PROTECTED_NAMESPACES, type SafetySettings } from './settings.ts'

/** A namespace with this label is protected. On a pod it says nothing: whoever makes a pod could write it, an attacker as well. */
export const PROTECTED_LABEL = 'autoshield.dev/protected'

/** Classes of the agents of a node: CNI, kube-proxy, storage. */
const NODE_CLASS = 'system-node-critical'
const DNS_PORT = 53

/**
 * Everything that no restriction may touch, each with how it is known. Rights in one namespace are not enough to get a pod of another
 * namespace onto the list, nor to get one's own there by a label alone.
 *
 *     object                                                                    | what is protected             | by
 *     our own namespace                                                         | the namespace                 | own
 *     kube-system, kube-node-lease, kube-public                                 | the namespace                 | system
 *     a namespace that the settings name, or with PROTECTED_LABEL: "true"       | the namespace                 | operator
 *     a pod or an address that the settings name, or a pod with a label of them | the pod, the address          | operator
 *     Service default/kubernetes and its EndpointSlice of that name             | addresses, pods behind it     | api-server
 *     Service with an address of a nameserver                                   | addresses, pods behind it     | dns
 *     Service in kube-system, or named kube-dns there, with port 53             | addresses, pods behind it     | dns
 *     Service with port 53 elsewhere that is nobody's nameserver                | nothing: anybody can make one | -
 *     Service that a webhook configuration calls                                | addresses, pods behind it     | webhook
 *     Service that an APIService calls                                          | addresses, pods behind it     | aggregated-api
 *     pod of a DaemonSet on its node's network, of class system-node-critical   | the pod                       | node-agent
 *     one of these three alone                                                  | nothing                       | -
 *     node                                                                      | its addresses                 | node
 */
export function discoverProtected (view: ProtectionView, { protected: named }: Pick<SafetySettings, 'protected'>): readonly Protected[] {
  return [
    ...namespaces(view, named.namespaces),
    ...named.addresses.map((name): Protected => ({ kind: 'address', name, by: 'operator', how: `The settings name the address ${name}.` })),
    ...view.pods.flatMap((pod) => operatorsPod(pod, named)),
    ...behindServices(view),
    ...view.pods.filter(isNodeAgent).map((pod) => podOf(pod, 'node-agent', `Pod ${nameOf(pod)} is of a DaemonSet, on the network of node ${pod.node} and of class ${NODE_CLASS}: an agent of the node.`)),
    ...view.nodes.flatMap(({ name, addresses }) => addresses.map((address): Protected => ({ kind: 'address', name: address, by: 'node', how: `${address} is an address of node ${name}.` }))),
  ]
}

function namespaces ({ ownNamespace, namespaces: known }: ProtectionView, named: readonly string[]): Protected[] {
  const namespace = (name: string, by: Protected['by'], how: string): Protected => ({ kind: 'namespace', name, by, how })
  return [
    ...ownNamespace === null ? [] : [namespace(ownNamespace, 'own', `AutoShield itself runs in namespace ${ownNamespace}.`)],
    ...ALWAYS_PROTECTED_NAMESPACES.map((name) => namespace(name, 'system', `Namespace ${name} is the cluster's own.`)),
    ...named.map((name) => namespace(name, 'operator', `The settings name namespace ${name}.`)),
    ...known.filter(({ labels }) => labels[PROTECTED_LABEL] === 'true').map(({ name }) => namespace(name, 'operator', `Namespace ${name} has the label ${PROTECTED_LABEL}: "true".`)),
  ]
}

function operatorsPod (pod: Pod, { pods, labels }: SafetySettings['protected']): Protected[] {
  if (pods.includes(nameOf(pod))) return [podOf(pod, 'operator', `The settings name pod ${nameOf(pod)}.`)]
  const label = Object.entries(labels).find(([key, value]) => Object.hasOwn(pod.labels, key) && pod.labels[key] === value)
  return label === undefined ? [] : [podOf(pod, 'operator', `Pod ${nameOf(pod)} has the label ${label.join('=')}, which the settings name.`)]
}

/** A Service, by what it is protected, and how that is known. */
interface Found { readonly service: Pick<ServiceView, 'namespace' | 'name'>, readonly by: Protected['by'], readonly how: string }

function behindServices (view: ProtectionView): Protected[] {
  const pods = new Map(view.pods.map((pod) => [pod.uid, pod]))
  const services = new Map(view.services.map((service) => [nameOf(service), service]))
  const backEnds = Map.groupBy(view.backEnds, ({ namespace, service }) => `${namespace}/${service}`)
  return foundServices(view).flatMap(({ service, by, how }) => {
    const name = nameOf(service)
    // A slice can be made by whoever may write into the namespace: the API server's own has its name.
    const slices = (backEnds.get(name) ?? []).filter(({ slice }) => by !== 'api-server' || slice === service.name)
    const addresses = [...services.get(name)?.addresses ?? [], ...slices.flatMap((slice) => slice.addresses)]
    return [
      ...slices.flatMap(({ podUids }) => podUids.flatMap((uid) => pods.get(uid) ?? [])).map((pod) => podOf(pod, by, `Pod ${nameOf(pod)} answers for Service ${name}. ${how}`)),
      ...addresses.map((address): Protected => ({ kind: 'address', name: address, by, how: `${address} is of Service ${name}. ${how}` })),
    ]
  })
}

function foundServices ({ services, webhooks, apiServices, nameservers }: ProtectionView): Found[] {
  const dns = services.flatMap((service): Found[] => {
    const nameserver = service.addresses.find((address) => nameservers.includes(address))
    if (nameserver !== undefined) return [{ service, by: 'dns', how: `AutoShield itself asks ${nameserver} for names, so it is the cluster's DNS.` }]
    return service.namespace === 'kube-system' && service.ports.includes(DNS_PORT) ? [{ service, by: 'dns', how: 'It serves port 53 in kube-system, so it is the cluster\'s DNS.' }] : []
  })
  return [
    { service: { namespace: 'default', name: 'kubernetes' }, by: 'api-server', how: 'That is the API server.' },
    ...dns,
    ...webhooks.map(({ name, service }): Found => ({ service, by: 'webhook', how: `The API server asks it about changes (${name}).` })),
    ...apiServices.map(({ name, service }): Found => ({ service, by: 'aggregated-api', how: `It serves a part of the API (${name}).` })),
  ]
}

const isNodeAgent = ({ hostNetwork, workload, priorityClass }: Pod): boolean => hostNetwork === true && workload?.startsWith('DaemonSet/') === true && priorityClass === NODE_CLASS

const nameOf = ({ namespace, name }: { readonly namespace: string, readonly name: string }): string => `${namespace}/${name}`

const podOf = (pod: Pod, by: Protected['by'], how: string): Protected => ({ kind: 'pod', name: nameOf(pod), uid: pod.uid, by, how })
