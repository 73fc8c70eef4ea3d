import { readPolicy } from '../../../../src/core/plan/reach/read-policy.ts'
import { Reach, type Cluster } from '../../../../src/core/plan/reach/reach.ts'
import type { FlowVerdict } from '../../../../src/core/plan/reach/verdict.ts'
import type { Pod } from '../../../../src/core/pod.ts'

const podOf = (namespace: string, name: string, address: string, labels: Record<string, string>, overrides: Partial<Pod> = {}): Pod =>
  ({ uid: `${namespace}/${name}`, namespace, name, addresses: [address], labels, node: 'node1', ...overrides })

/** A shop with a web server and a database, a scraper elsewhere with the web server's label, and a pod on its node's network. */
export const PODS = {
  web: podOf('shop', 'web', '10.0.0.1', { app: 'web' }, { ports: [{ name: 'http', protocol: 'TCP', number: 8080 }] }),
  db: podOf('shop', 'db', '10.0.0.2', { app: 'db' }, { ports: [{ name: 'http', protocol: 'TCP', number: 80 }, { name: 'http', protocol: 'UDP', number: 443 }] }),
  scraper: podOf('ops', 'scraper', '10.0.1.1', { app: 'web' }, { addresses: ['10.0.1.1', 'fd00::1'], node: 'node2' }),
  agent: podOf('shop', 'agent', '192.168.0.1', { app: 'web' }, { hostNetwork: true }),
}
export const ADDRESS = { web: '10.0.0.1', db: '10.0.0.2', scraper: '10.0.1.1', agent: '192.168.0.1', otherNode: '192.168.0.2', outside: '203.0.113.9' }
export type End = keyof typeof ADDRESS

/** A policy in namespace `shop`; `policyTypes` as the API server fills them in where the spec has none. */
export const policy = (spec: object, name = 'p', namespace = 'shop'): object => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { namespace, name }, spec })

export const reachUnder = (policies: readonly object[], change: Partial<Cluster> = {}): Reach => new Reach({
  pods: Object.values(PODS),
  namespaces: [{ name: 'shop', labels: { team: 'a', 'kubernetes.io/metadata.name': 'shop' } }, { name: 'ops', labels: { team: 'b', 'kubernetes.io/metadata.name': 'ops' } }],
  nodes: [{ name: 'node1', addresses: [ADDRESS.agent] }, { name: 'node2', addresses: [ADDRESS.otherNode] }],
  policies: policies.map(readPolicy),
  plugin: 'most',
  ...change,
})

export const verdictOf = (reach: Reach, source: End, destination: End, port = 80, protocol: 'TCP' | 'UDP' | 'SCTP' = 'TCP'): FlowVerdict =>
  reach.verdict({ source: ADDRESS[source], destination: ADDRESS[destination], protocol, port })

/** Every way between two ends that is cut, `source>destination`. */
export function cutOn (reach: Reach, port = 80, protocol: 'TCP' | 'UDP' | 'SCTP' = 'TCP'): string[] {
  const ends = Object.keys(ADDRESS) as End[]
  return ends.flatMap((source) => ends.filter((destination) => !verdictOf(reach, source, destination, port, protocol).allowed).map((destination) => `${source}>${destination}`))
}
