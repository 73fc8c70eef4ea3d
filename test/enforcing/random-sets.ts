import { inBlock, parseBlock } from '../../src/core/plan/reach/address-block.ts'
import type { Random } from '../lab/random.ts'
import { randomLabels, randomPolicy } from '../cyclonus/random-cluster.ts'
import type { RawPeer, RawPolicy, RawRule } from '../cyclonus/raw-cluster.ts'
import type { PodOrder } from './ends.ts'

export const PORTS = [80, 81, 8080]
export const NAMESPACES = 3

/** Eight pods on two nodes and three namespaces, of which most give names to ports, and one pod on each node's own network. */
export function randomPods (random: Random, namespaces: readonly string[]): PodOrder[] {
  const names = ['web', 'dns', 'alt']
  const pods = Array.from({ length: 8 }, (_, at): PodOrder => ({
    namespace: namespaces[at % NAMESPACES] ?? '',
    name: `p${at}`,
    node: `node-${1 + Math.floor(at / NAMESPACES) % 2}`,
    labels: randomLabels(random),
    ports: random.sample(names, random.integer(0, 3)).map((name) => ({ name, protocol: random.pick(['TCP', 'UDP'] as const), number: random.pick(PORTS) })),
  }))
  return [...pods, ...[1, 2].map((node): PodOrder => ({ namespace: namespaces[0] ?? '', name: `on-node-${node}`, node: `node-${node}`, labels: randomLabels(random), hostNetwork: true }))]
}

/**
 * Up to four policies as the API server takes them, without what Cilium is known to read otherwise: rules for a direction that
 * `policyTypes` leaves out.
 */
export function randomSet (random: Random, namespaces: readonly string[], addresses: readonly string[]): RawPolicy[] {
  return Array.from({ length: random.integer(1, 4) }, (_, at) => {
    const policy = randomPolicy(random, `policy${at}`, random.pick(namespaces), addresses)
    const { ingress, egress, ...rest } = policy.spec
    const speaksOf = (type: 'Ingress' | 'Egress'): boolean => (rest.policyTypes ?? []).length === 0 || rest.policyTypes?.includes(type) === true
    return { ...policy, spec: { ...rest, ...ingress && speaksOf('Ingress') && { ingress: ingress.map((rule) => valid(rule, 'from')) }, ...egress && speaksOf('Egress') && { egress: egress.map((rule) => valid(rule, 'to')) } } }
  })
}

/** The API server takes an exception only where it lies in its block and is smaller. */
const valid = (rule: RawRule, field: 'from' | 'to'): RawRule => rule[field] === undefined ? rule : { ...rule, [field]: rule[field].map(validPeer) }

function validPeer (peer: RawPeer): RawPeer {
  if (peer.ipBlock?.except === undefined) return peer
  const { cidr, except } = peer.ipBlock
  const block = parseBlock(cidr)
  return {
    ipBlock: {
      cidr,
      except: except.filter((hole) => {
        const smaller = parseBlock(hole)
        return block !== null && smaller !== null && smaller.bits > block.bits && inBlock(block, smaller.words)
      })
    }
  }
}
