import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Cilium, networkPlugins, startAgent } from './cilium.ts'
import { answers, API_PORT, type ControlPlane, PODS } from './control-plane.ts'
import type { Images } from './images.ts'
import type { Sandbox } from './sandbox.ts'

/** No server answers there; the cluster has no DNS. */
const DNS = '10.96.0.10'
const CONTAINERD = '/run/containerd/containerd.sock'
const POLL_MS = 50

/**
 * Shell commands that make a sandbox fit for a node: what Kubernetes' programs keep in `/run`, `/var/lib` and `/var/log` goes into the
 * cluster's folder. Where that lies on an overlay (a container's own disk), containers' overlays cannot stand on it, so it becomes memory.
 */
export const PREPARE_NODE = `
  mount -t tmpfs tmpfs /run
  try=$FOLDER/lib/try; mkdir -p $try/lower $try/upper $try/work $try/merged
  if mount -t overlay overlay -o lowerdir=$try/lower,upperdir=$try/upper,workdir=$try/work $try/merged 2>/dev/null
  then umount $try/merged; else mount -t tmpfs -o size=6g tmpfs $FOLDER/lib; fi
  rm -rf $try
  mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mount --bind $FOLDER/lib /var/lib
  mount --bind $FOLDER/logs/node /var/log`

export interface Node extends ControlPlane {
  readonly name: string
  /** Its own, in contrast to the API server's. */
  readonly nodeAddress: string
  /** The addresses of its pods, a block. */
  readonly podBlock: string
  /** Who lays the pods' links: a plugin that leaves NetworkPolicies alone, or Cilium. */
  readonly network: 'links' | Cilium
  /** An OCI image layout. */
  readonly layout: string
  readonly images: Images
  /** A cgroup's name that no other cluster has. */
  readonly cgroup: string
}

/** Starts containerd and gives it the images. Needs no API server. */
export async function startContainers (node: Node): Promise<void> {
  const { sandbox, folder, layout, network } = node
  mkdirSync(join(folder, 'cni'), { recursive: true })
  if (network === 'links') writeFileSync(join(folder, 'cni', 'pods.conflist'), JSON.stringify(podLinks(node)))
  const settings = join(folder, 'containerd.toml')
  writeFileSync(settings, containerdSettings(node, network === 'links' ? '/usr/lib/cni' : networkPlugins(folder, network.programs)))
  sandbox.launch('containerd', 'containerd', '--config', settings)
  for (;;) {
    sandbox.failed.throwIfAborted()
    if (await sandbox.run('ctr', '--timeout', '2s', 'version').then(() => true, () => false)) break
    await delay(POLL_MS)
  }
  await importImages(sandbox, layout)
}

/** Gives a running containerd the images of an OCI layout. Its layers are links into the cache: the archive follows them, on the way. */
export async function importImages (sandbox: Sandbox, layout: string): Promise<void> {
  await sandbox.run('sh', '-ec', `tar --dereference -C '${layout}' -cf - . | ctr --namespace k8s.io images import -`)
}

/** Starts kubelet, kube-proxy and, where it lays the links, Cilium's agent; resolves when the node takes pods. */
export async function startNode (node: Node): Promise<void> {
  const { sandbox, programs, pki, folder, name, nodeAddress, address, cgroup, network } = node
  const users = [name, `proxy-of-${name}`, `agent-of-${name}`] as const
  const [kubelet, proxy, agent] = users
  await Promise.all([
    pki.issue(kubelet, { commonName: `system:node:${name}`, group: 'system:nodes', addresses: [`IP:${nodeAddress}`, `DNS:${name}`] }),
    pki.issue(proxy, { commonName: 'system:kube-proxy' }),
    pki.issue(agent, { commonName: 'cilium-agent', group: 'system:masters' }),
  ])
  const kubeconfig = (user: string): string => join(folder, `${user}.kubeconfig`)
  for (const user of users) writeFileSync(kubeconfig(user), pki.kubeconfig(user, `https://${address}:${API_PORT}`), { mode: 0o600 })
  await sandbox.run('sh', '-ec', makeCgroups(cgroup))
  writeFileSync(join(folder, 'resolv.conf'), `nameserver ${DNS}\n`)
  writeFileSync(join(folder, 'kubelet.json'), JSON.stringify(kubeletSettings(node)))
  writeFileSync(join(folder, 'proxy.json'), JSON.stringify(proxySettings(name, kubeconfig(proxy))))
  sandbox.launch('kubelet', join(programs, 'kubelet'), `--config=${join(folder, 'kubelet.json')}`, `--kubeconfig=${kubeconfig(kubelet)}`, `--hostname-override=${name}`, `--node-ip=${nodeAddress}`)
  sandbox.launch('kube-proxy', join(programs, 'kube-proxy'), `--config=${join(folder, 'proxy.json')}`)
  if (network !== 'links') await startAgent(node, network, kubeconfig(agent))
  await answers(node, `/api/v1/nodes/${name}`, isReady)
}

function isReady (body: string): boolean {
  const { status, spec } = JSON.parse(body) as { status: { conditions?: { type: string, status: string }[] }, spec: { taints?: unknown[] } } // a core/v1 Node
  return spec.taints === undefined && (status.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True')
}

/**
 * Point-to-point links, no bridge: on a bridge the answer of a pod on the same node does not pass the address translation of Services
 * (unless the kernel has br_netfilter), and pods would have to be hidden behind the node's address.
 */
const podLinks = ({ podBlock }: Node): object => ({
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [{ type: 'ptp', ipam: { type: 'host-local', ranges: [[{ subnet: podBlock }]], routes: [{ dst: '0.0.0.0/0' }] } }],
})

function containerdSettings ({ folder, images }: Node, plugins: string): string {
  return `version = 2
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "${CONTAINERD}"
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${images.pause}"
  restrict_oom_score_adj = true # a container of CI may not lower it, and runc dies of the attempt
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${plugins}"
    conf_dir = "${join(folder, 'cni')}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
`
}

function kubeletSettings ({ pki, folder, name, nodeAddress, cgroup }: Node): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${CONTAINERD}`,
    address: nodeAddress,
    readOnlyPort: 0,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: pki.path('ca.crt') } },
    authorization: { mode: 'Webhook' },
    tlsCertFile: pki.path(`${name}.crt`),
    tlsPrivateKeyFile: pki.path(`${name}.key`),
    cgroupDriver: 'cgroupfs', // no systemd to ask
    cgroupRoot: `/${cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: ['pods'],
    clusterDomain: 'cluster.local',
    clusterDNS: [DNS],
    resolvConf: join(folder, 'resolv.conf'),
    imageGCHighThresholdPercent: 100, // nothing could bring a removed image back
    evictionHard: { 'memory.available': '100Mi' }, // a full disk is the machine's, not ours to evict pods for
    serializeImagePulls: false,
    nodeStatusUpdateFrequency: '5s',
    volumePluginDir: '/var/lib/kubelet/plugins',
  }
}

function proxySettings (name: string, kubeconfig: string): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clientConnection: { kubeconfig },
    hostnameOverride: name,
    clusterCIDR: PODS,
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' }, // these are the machine's: left alone
  }
}

/** cgroup v1 wants one under each controller, and a cpuset that names CPUs, from the top down, before anything can enter it. */
function makeCgroups (name: string): string {
  return `cd /sys/fs/cgroup
    if [ -e cgroup.controllers ]; then mkdir -p ${name}; exit; fi
    for controller in */; do mkdir -p "$controller/${name}"; done
    [ -e cpuset/cpuset.cpus ] || exit 0
    above=cpuset
    for part in ${name.split('/').join(' ')}; do
      for file in cpus mems; do cat $above/cpuset.$file > $above/$part/cpuset.$file; done
      above=$above/$part
    done`
}
