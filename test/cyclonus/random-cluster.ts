import { TRANSPORTS } from '../../src/core/kubernetes/transport.ts'
import type { NamedPort, Pod } from '../../src/core/pod.ts'
import type { Random } from '../lab/random.ts'
import type { LabelSelector, RawCluster, RawPeer, RawPolicy, RawPort, RawRule } from './raw-cluster.ts'

const KEYS = ['a', 'b', 'constructor']
const VALUES = ['', '1', '2']
const NUMBERS = [80, 81, 8080]
const NAMES = ['web', 'dns', 'alt']
export const OUTSIDE = ['203.0.113.9', '203.0.113.200', '2001:db8::1', '10.0.9.9']

/** Few labels, ports and addresses, so that selectors, ports and blocks often meet. */
export function randomCluster (random: Random): RawCluster {
  const namespaces = times(random, 1, 4, (at) => ({ name: `n${at}`, labels: { ...randomLabels(random), 'kubernetes.io/metadata.name': `n${at}` } }))
  const nodes = times(random, 1, 2, (at) => ({ name: `node${at}`, addresses: [`192.168.0.${at + 1}`, `fd01::${at + 1}`] }))
  const pods = times(random, 1, 6, (at): Pod => {
    const [namespace, node] = [random.integer(0, namespaces.length - 1), random.pick(nodes)]
    const [v4, v6] = [`10.0.${namespace}.${at + 1}`, `fd00::${namespace}:${at + 1}`]
    const hostNetwork = random.chance(0.1)
    return {
      uid: `u${at}`,
      namespace: `n${namespace}`,
      name: `p${at}`,
      addresses: hostNetwork ? node.addresses : random.pick([[v4], [v6], [v4, v6]]),
      labels: randomLabels(random),
      node: node.name,
      ports: times(random, 0, 3, (): NamedPort => ({ name: random.pick(NAMES), protocol: random.pick(TRANSPORTS), number: random.pick(NUMBERS) })),
      hostNetwork,
    }
  })
  const addresses = [...pods, ...nodes].flatMap((end) => end.addresses)
  const policies = times(random, 0, 5, (at) => randomPolicy(random, `policy${at}`, random.pick(namespaces).name, [...addresses, ...OUTSIDE]))
  return { pods, namespaces, nodes, policies }
}

/** What to ask of it: who to whom, on which ports. */
export function randomQuestion (random: Random, { pods, nodes }: RawCluster): { ends: string[], ports: Omit<NamedPort, 'name'>[] } {
  const ends = [...new Set([...pods.map(({ addresses }) => random.pick(addresses)), random.pick(OUTSIDE), random.pick(nodes.flatMap(({ addresses }) => addresses))])]
  return { ends, ports: [0, 1, 2].map(() => ({ protocol: random.pick(TRANSPORTS), number: random.pick(NUMBERS) })) }
}

export function randomPolicy (random: Random, name: string, namespace: string, addresses: readonly string[]): RawPolicy {
  const rules = (field: 'from' | 'to'): RawRule[] => times(random, 0, 2, () => ({
    ...random.chance(0.8) && { [field]: times(random, 0, 3, () => randomPeer(random, addresses)) },
    ...random.chance(0.6) && { ports: times(random, 0, 3, () => randomPort(random)) },
  }))
  const types = random.pick<Pick<RawPolicy['spec'], 'policyTypes'>>([{}, { policyTypes: [] }, { policyTypes: ['Ingress'] }, { policyTypes: ['Egress'] }, { policyTypes: ['Ingress', 'Egress'] }])
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace, name },
    spec: {
      podSelector: randomSelector(random),
      ...types,
      ...random.chance(0.8) && { ingress: rules('from') },
      ...random.chance(0.7) && { egress: rules('to') },
    },
  }
}

function randomPeer (random: Random, addresses: readonly string[]): RawPeer {
  if (random.chance(0.35)) return { ipBlock: { cidr: randomBlock(random, addresses), ...random.chance(0.5) && { except: times(random, 0, 2, () => randomBlock(random, addresses)) } } }
  const kind = random.integer(0, 2)
  return { ...kind > 0 && { namespaceSelector: randomSelector(random) }, ...kind < 2 && { podSelector: randomSelector(random) } }
}

function randomBlock (random: Random, addresses: readonly string[]): string {
  const address = random.pick(addresses)
  const length = address.includes(':') ? 128 : 32
  return `${address}/${random.pick([0, length, random.integer(0, length), length - random.integer(0, 16)])}`
}

function randomPort (random: Random): RawPort {
  const protocol = random.chance(0.7) ? { protocol: random.pick(TRANSPORTS) } : {}
  const number = random.pick(NUMBERS)
  return random.pick<RawPort>([
    protocol, { ...protocol, port: number }, { ...protocol, port: random.pick(NAMES) },
    { ...protocol, port: number, endPort: number + random.pick([0, 1, 10_000]) },
  ])
}

export function randomSelector (random: Random): LabelSelector {
  const requirement = (): NonNullable<LabelSelector['matchExpressions']>[number] => {
    const [key, operator] = [random.pick(KEYS), random.pick(['In', 'NotIn', 'Exists', 'DoesNotExist'] as const)]
    return operator === 'In' || operator === 'NotIn' ? { key, operator, values: random.sample(VALUES, random.integer(1, 2)) } : { key, operator }
  }
  if (random.chance(0.3)) return {}
  return {
    ...random.chance(0.5) && { matchLabels: randomLabels(random) },
    ...random.chance(0.4) && { matchExpressions: times(random, 0, 2, requirement) },
  }
}

export const randomLabels = (random: Random): Record<string, string> => Object.fromEntries(random.sample(KEYS, random.integer(0, 2)).map((key) => [key, random.pick(VALUES)]))

const times = <T>(random: Random, least: number, most: number, make: (at: number) => T): T[] => Array.from({ length: random.integer(least, most) }, (_, at) => make(at))
