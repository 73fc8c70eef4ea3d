import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { KEEP_KERNEL } from './cilium.ts'
import { layLink, type Link } from './network.ts'
import { type Node, PREPARE_NODE } from './node.ts'
import type { ProcessIdentity, Sandbox } from './sandbox.ts'

/** A cluster whose NetworkPolicies are enforced, as its record keeps it. */
export interface Enforcing {
  readonly nodes: readonly Machine[]
  /** A machine beside the nodes that is none of them, with addresses that RFC 5737 keeps for documents. Reaches pods, and is reached. */
  readonly outside: Machine
}

export interface Machine {
  readonly name: string
  readonly addresses: readonly string[]
  /** `Sandbox.of` it runs commands there. */
  readonly keeper: ProcessIdentity
}

const TO_SECOND: Link = { name: 'eth1', gateway: '10.245.0.1', addresses: ['10.245.0.2'], length: 30 }
const TO_OUTSIDE: Link = { name: 'eth2', gateway: '203.0.113.1', addresses: ['203.0.113.9', '203.0.113.200'], length: 24 }
const SECOND_PODS = '10.244.1.0/24'

/** Makes of one node two on which Cilium lays the links, and the machine outside. */
export async function enforcingNodes (node: Node, cilium: string): Promise<{ machines: readonly [Node, Node], enforcing: Enforcing }> {
  const { sandbox, programs, folder } = node
  await sandbox.run('sh', '-ec', KEEP_KERNEL)
  const first: Node = { ...node, network: { programs: cilium, devices: ['eth0', TO_SECOND.name] } }
  const place = join(folder, 'node-2')
  const second: Node = {
    ...node,
    name: 'node-2',
    sandbox: await another(sandbox, place, programs, `${PREPARE_NODE}${KEEP_KERNEL}`),
    folder: join(place, 'settings'),
    nodeAddress: TO_SECOND.addresses[0],
    podBlock: SECOND_PODS,
    cgroup: join(node.cgroup, 'node-2'),
    network: { programs: cilium, devices: ['eth0'] },
  }
  await layLink(sandbox, second.sandbox, TO_SECOND)
  await sandbox.run('ip', 'route', 'add', SECOND_PODS, 'via', TO_SECOND.addresses[0])
  const outside = await another(sandbox, join(folder, 'outside'), programs, '')
  await layLink(sandbox, outside, TO_OUTSIDE)
  const machines = [first, second] as const
  return {
    machines,
    enforcing: {
      nodes: machines.map(({ name, nodeAddress, sandbox: { keeper } }) => ({ name, addresses: [nodeAddress], keeper })),
      outside: { name: 'outside', addresses: TO_OUTSIDE.addresses, keeper: outside.keeper },
    },
  }
}

async function another (sandbox: Sandbox, folder: string, programs: string, prepare: string): Promise<Sandbox> {
  const logs = join(folder, 'logs')
  for (const part of ['settings', 'lib', 'logs/node']) mkdirSync(join(folder, part), { recursive: true, mode: 0o700 })
  return sandbox.beside({ folder, logs, pause: join(programs, 'pause'), prepare })
}

/**
 * Tells the API server of Cilium's kinds and of the nodes, each with the block of its pods: in most clusters Cilium's operator and the
 * controllers do. kubelet takes over a node that is there.
 */
export async function introduceNodes (nodes: readonly Node[], cilium: string): Promise<void> {
  const [first] = nodes
  if (first === undefined) return
  const { sandbox, programs, folder } = first
  const kubectl = (...args: string[]): Promise<string> => sandbox.run(join(programs, 'kubectl'), '--kubeconfig', join(folder, 'admin.kubeconfig'), ...args)
  const items = nodes.map(({ name, podBlock }) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: { podCIDR: podBlock, podCIDRs: [podBlock] } }))
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
  await Promise.all([
    kubectl('apply', '--server-side', '--recursive', '-f', join(cilium, 'crds')),
    sandbox.run('sh', '-ec', 'echo "$0" | "$@"', list, join(programs, 'kubectl'), '--kubeconfig', join(folder, 'admin.kubeconfig'), 'create', '-f', '-'),
  ])
}
