import { selects } from '../kubernetes/label-selector.ts'
import { NAMESPACE_NAME, transportOf, type FlowEnd, type FlowPod, type FlowRecord, type FlowService } from './flow-record.ts'

const STAND_IN = 'service:'

/** Whether the pod stands for whatever pods are behind a Service. */
export const standsIn = ({ uid }: Pick<FlowPod, 'uid'>): boolean => uid.startsWith(STAND_IN)

/**
 * Flows as NetworkPolicies judge them, which is after the translation of Services. What a source's observer saw go to a Service is
 * left out where the pod behind it has told of it, and goes to a pod that stands for those behind it where none has.
 *
 *     it selects pods | one of them told of the same source at the port behind | becomes
 *     yes             | yes                                                    | nothing: it is told already
 *     yes             | no                                                     | a flow to a pod with the labels that it selects
 *     no              | -                                                      | a flow to the first address behind it; as it is where none is known
 */
export function throughServices (records: readonly FlowRecord[]): FlowRecord[] {
  const told = records.filter(({ destination, witness }) => destination.pod !== null && witness !== 'source')
  const bySource = Map.groupBy(told, ({ source }) => endKey(source))
  const pods = [...new Map(records.flatMap(({ destination }) => destination.pod === null ? [] : [[destination.pod.uid, destination.pod]])).values()]
  return records.flatMap((record) => {
    const { service } = record.destination
    if (service === null) return [record]
    const port = portBehind(service, record, pods)
    const isBehind = (pod: FlowPod | null): boolean => pod !== null && pod.namespace === service.namespace && selects({ matchLabels: service.selector }, pod.labels)
    if (Object.keys(service.selector).length === 0) {
      const [address = record.destination.address] = service.addresses
      return [{ ...record, port, destination: { ...record.destination, address } }]
    }
    if (bySource.get(endKey(record.source))?.some((other) => other.port === port && other.protocol === record.protocol && isBehind(other.destination.pod)) === true) return []
    return [{ ...record, port, destination: { address: record.destination.address, pod: standIn(service), service: null } }]
  })
}

/** Told apart by who it is, not by labels, which may have changed meanwhile. */
const endKey = ({ address, pod }: FlowEnd): string => pod?.uid ?? address

/** The port as it is where none is known: a name is that of a container of the pods behind. */
function portBehind ({ namespace, selector, ports }: FlowService, { protocol, port }: FlowRecord, pods: readonly FlowPod[]): number {
  const transport = transportOf(protocol)
  const target = ports.find((one) => one.port === port && one.protocol === transport)?.target ?? port
  if (typeof target === 'number') return target
  const named = pods.filter((pod) => pod.namespace === namespace && selects({ matchLabels: selector }, pod.labels)).flatMap((pod) => pod.ports)
  return named.find((one) => one.name === target && one.protocol === transport)?.number ?? port
}

const standIn = ({ namespace, name, selector }: FlowService): FlowPod => ({
  uid: `${STAND_IN}${namespace}/${name}`,
  namespace,
  name: `service ${name}`,
  labels: { ...selector },
  namespaceLabels: { [NAMESPACE_NAME]: namespace },
  node: '',
  workload: null,
  hostNetwork: false,
  ports: [],
})
