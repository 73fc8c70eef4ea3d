import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { Lab, missingForLab } from '../lab/lab.ts'
import { type Cluster, startCluster, stopCluster } from '../real/cluster/cluster.ts'
import { command } from '../real/cluster/command.ts'
import { withoutCluster } from '../real/cluster/test-cluster.ts'
import { envoyBinary } from '../setup/envoy-binary.ts'
import { findTool } from '../setup/tools.ts'
import { OWN, podObject, podStatus, type PodForm, POLICY, RIGHTS, SAFETY, SETTINGS, SHOP, tokenRequest } from './cluster-objects.ts'

const CRDS = fileURLToPath(new URL('../../deploy/chart/crds', import.meta.url))
/** The link between the laboratory's gateway and the cluster. */
const [LINK, FAR] = ['10.66.255.2', '10.66.255.1']
/** The Service of the controllers: whoever leads is behind it. */
export const CONTROL = '10.66.1.100'

const own = (name: string, component: string, address: string): PodForm => ({
  namespace: OWN, name, address, account: `autoshield-${component}`, labels: { 'app.kubernetes.io/name': 'autoshield', 'app.kubernetes.io/component': component }, proxied: false,
})
const customer = (name: string, address: string, proxied = false): PodForm => ({ namespace: SHOP, name, address, account: 'default', labels: { app: name }, proxied })

export const CONTROLLERS = [own('controller-0', 'controller', '10.66.1.10'), own('controller-1', 'controller', '10.66.1.11')] as const
export const DETECTOR = own('detector-0', 'detector', '10.66.1.20')
export const XDS = own('xds-0', 'xds', '10.66.1.30')
export const VICTIMS = [customer('cart', '10.66.0.10', true), customer('stock', '10.66.0.11', true)] as const
export const ATTACKERS = [customer('mallory', '10.66.0.20'), customer('trudy', '10.66.0.21'), customer('eve', '10.66.0.22')] as const
export const FRIEND = customer('friend', '10.66.0.30')
/** Has no proxy and no observer, and nobody attacks it: what it does not answer is the machine's fault. */
export const PLAIN = customer('plain', '10.66.0.31')
const OWN_PODS = [...CONTROLLERS, DETECTOR, XDS]
export const SHOP_PODS = [...VICTIMS, ...ATTACKERS, FRIEND, PLAIN]

/**
 * A laboratory with a pod for each of the shop's, an API server that knows these pods, and a link between the two. The product's own
 * processes live in the network of the laboratory's gateway.
 */
export interface Ground {
  readonly lab: Lab
  readonly cluster: Cluster
  readonly kubectl: (args: readonly string[], stdin?: string) => Promise<string>
  /** Where its token for the API server is, in a kubeconfig. */
  readonly kubeconfigOf: (pod: PodForm) => string
  /** Where its token for our authority is. */
  readonly credentialsOf: (pod: PodForm) => string
  readonly uids: ReadonlyMap<string, string>
  readonly files: { readonly settings: string, readonly policy: string, readonly safety: string, readonly envoy: string }
}

/** Lines that say what this machine lacks for it; none: it can start. */
export function missingForChaos (): readonly string[] {
  const cluster = withoutCluster('api')
  return [...new Set([...missingForLab(['nmap', 'nft']), ...cluster === false ? [] : [cluster], ...['envoy', 'tcpdump'].flatMap((name) => findTool(name).missing ?? [])])]
}

/** `later` is told how to end each thing, last first. */
export async function layGround (later: (end: () => Promise<unknown>) => void, say: (line: string) => void): Promise<Ground> {
  const lab = await Lab.start({ pods: SHOP_PODS })
  later(async () => lab[Symbol.asyncDispose]())
  const cluster = await startCluster({ node: false, lasting: false, say })
  later(async () => stopCluster(cluster))
  await link(lab, cluster)
  const kubectl = async (args: readonly string[], stdin?: string): Promise<string> =>
    command(join(cluster.programs, 'kubectl'), ['--kubeconfig', cluster.kubeconfig, ...args], stdin === undefined ? {} : { stdin })
  await kubectl(['apply', '--server-side', '-f', CRDS])
  await kubectl(['create', '-f', '-'], RIGHTS)
  for (const namespace of [OWN, SHOP]) await kubectl(['create', 'namespace', namespace])
  for (const account of new Set(OWN_PODS.map(({ account }) => account))) await kubectl(['-n', OWN, 'create', 'serviceaccount', account])
  await kubectl(['-n', SHOP, 'wait', '--for=create', 'serviceaccount/default', '--timeout=60s'])
  const kubeconfigOf = ({ name }: PodForm): string => join(lab.folder, `${name}.kubeconfig`)
  const credentialsOf = ({ name }: PodForm): string => join(lab.folder, `${name}.credentials`)
  const uids = new Map<string, string>()
  for (const pod of [...OWN_PODS, ...SHOP_PODS]) {
    uids.set(pod.name, await kubectl(['create', '-f', '-', '-o', 'jsonpath={.metadata.uid}'], podObject(pod)))
    await kubectl(['-n', pod.namespace, 'patch', 'pod', pod.name, '--subresource=status', '--type=merge', '--patch', podStatus(pod)])
    await mkdir(credentialsOf(pod))
    await writeFile(join(credentialsOf(pod), 'token'), (await kubectl(tokenRequest(pod, 'authority'))).trim())
  }
  const { clusters } = parse(await kubectl(['config', 'view', '--raw', '--flatten'])) as { clusters: [{ name: string }] }
  for (const pod of OWN_PODS) {
    const token = (await kubectl(tokenRequest(pod, 'api'))).trim()
    await writeFile(kubeconfigOf(pod), JSON.stringify({
      apiVersion: 'v1', kind: 'Config', clusters, users: [{ name: 'pod', user: { token } }], contexts: [{ name: 'pod', context: { cluster: clusters[0].name, user: 'pod' } }], 'current-context': 'pod',
    }))
  }
  const files = { settings: join(lab.folder, 'injection.yaml'), policy: join(lab.folder, 'policy.yaml'), safety: join(lab.folder, 'safety.yaml'), envoy: join(lab.folder, 'envoy') }
  for (const [path, text] of [[files.settings, SETTINGS], [files.policy, POLICY], [files.safety, SAFETY]] as const) await writeFile(path, text)
  await copyFile(envoyBinary(), files.envoy) // another user cannot look into root's cache
  return { lab, cluster, kubectl, kubeconfigOf, credentialsOf, uids, files }
}

async function link ({ gateway }: Lab, { keeper, wire }: Cluster): Promise<void> {
  await command('ip', ['link', 'add', 'chaos0', 'netns', String(keeper.pid), 'type', 'veth', 'peer', 'name', 'api0', 'netns', String(gateway.pid)])
  await command('nsenter', [`--net=/proc/${keeper.pid}/ns/net`, 'sh', '-ec', `ip address add ${FAR}/30 dev chaos0; ip link set chaos0 up`])
  await gateway.must(`ip address add ${LINK}/30 dev api0; ip link set api0 up; ip route add ${wire.cluster}/32 via ${FAR}
    for address in ${[...OWN_PODS.map(({ address }) => address), CONTROL].join(' ')}; do ip address add $address/32 dev lo; done
    nft 'add table ip service; add chain ip service pods { type nat hook prerouting priority dstnat; }; add chain ip service own { type nat hook output priority -100; }'`)
}

/** The Service of the controllers leads to this one from now on, for connections to come. */
export async function pointService ({ gateway }: Lab, { address }: PodForm): Promise<void> {
  const rules = ['pods', 'own'].map((chain) => `flush chain ip service ${chain}; add rule ip service ${chain} ip daddr ${CONTROL} dnat to ${address}`)
  await gateway.must(`nft '${rules.join('; ')}'`)
}
