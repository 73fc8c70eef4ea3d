import type { ServerDirectory } from '../adapters/bus/follow-servers.ts'
import type { KubernetesPods } from '../adapters/kubernetes/pods.ts'

/** As the chart labels them. Whoever else wears these labels is found out when it is dialled: it has not their identity. */
const LABELS = { 'app.kubernetes.io/name': 'autoshield', 'app.kubernetes.io/component': 'xds' } as const

/** The xDS servers of a namespace, each by its own address: behind their Service only one of them would be heard. */
export function xdsReplicas (pods: Pick<KubernetesPods, 'list' | 'onChange'>, namespace: string, port: number): ServerDirectory {
  return {
    list: () => pods.list()
      .filter((pod) => pod.namespace === namespace && Object.entries(LABELS).every(([name, value]) => pod.labels[name] === value))
      .flatMap(({ addresses: [address] }) => address === undefined ? [] : [address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`]),
    onChange: (listener) => pods.onChange(listener),
  }
}
