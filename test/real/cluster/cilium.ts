import { copyFileSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PODS } from './control-plane.ts'
import type { Node } from './node.ts'

/** A node whose pods' network is Cilium's, so that NetworkPolicies are enforced. */
export interface Cilium {
  /** What `buildCilium` made. */
  readonly programs: string
  /** The links by which the node reaches others. */
  readonly devices: readonly string[]
}

const PLUGINS = '/usr/lib/cni'
const NETWORK = 'cilium.conflist'
const POLL_MS = 50
const READY_WITHIN_MS = 120_000

/**
 * Settings of the machine's kernel that the agent would change for all that run on it: read-only in a node's namespaces. It goes on
 * without.
 */
export const KEEP_KERNEL = `
  for setting in kernel/unprivileged_bpf_disabled kernel/timer_migration net/core/bpf_jit_enable; do
    [ ! -e /proc/sys/$setting ] || { mount --bind /proc/sys/$setting /proc/sys/$setting; mount -o remount,bind,ro /proc/sys/$setting; }
  done`

/** A folder of network plugins that has Cilium's beside the loopback that containerd asks for. */
export function networkPlugins (folder: string, programs: string): string {
  const plugins = join(folder, 'plugins')
  mkdirSync(plugins)
  symlinkSync(join(PLUGINS, 'loopback'), join(plugins, 'loopback'))
  symlinkSync(join(programs, 'cilium-cni'), join(plugins, 'cilium-cni'))
  return plugins
}

/**
 * Starts the agent of a node; resolves when it is ready for pods. Services stay kube-proxy's, and addresses are translated where the
 * pods' wire ends.
 */
export async function startAgent ({ sandbox, name, folder }: Node, { programs, devices }: Cilium, kubeconfig: string): Promise<void> {
  const written = join(folder, 'cilium', NETWORK)
  const settings = {
    'k8s-kubeconfig-path': kubeconfig,
    'lib-dir': programs,
    'bpf-root': '/run/cilium/bpf',
    'cgroup-root': '/run/cilium/cgroup',
    'write-cni-conf-when-ready': written,
    'enable-ipv4': 'true',
    'enable-ipv6': 'false',
    'routing-mode': 'native',
    'ipv4-native-routing-cidr': PODS,
    ipam: 'kubernetes',
    devices: devices.join(','),
    'kube-proxy-replacement': 'false',
    'enable-ipv4-masquerade': 'false',
    'enable-l7-proxy': 'false', // it would start an Envoy
    'enable-hubble': 'false',
    'enable-health-checking': 'false',
    'enable-endpoint-health-checking': 'false',
    'enable-health-check-nodeport': 'false',
    // Enough for tests: the kernel sets aside memory for as many connections as these tables hold.
    'bpf-ct-global-tcp-max': '65536',
    'bpf-ct-global-any-max': '16384',
    'bpf-nat-global-max': '16384',
  }
  sandbox.launch('cilium-agent', 'env', `PATH=${programs}:/usr/sbin:/usr/bin:/sbin:/bin`, `K8S_NODE_NAME=${name}`, join(programs, 'cilium-agent'),
    ...Object.entries(settings).map(([setting, value]) => `--${setting}=${value}`))
  for (const deadline = Date.now() + READY_WITHIN_MS; !existsSync(written);) {
    sandbox.failed.throwIfAborted()
    if (Date.now() > deadline) throw new Error(`Cilium's agent on ${name} is not ready after ${READY_WITHIN_MS / 1000} s; its log is cilium-agent.log`)
    await delay(POLL_MS)
  }
  // The agent renames it into place, and of that containerd 1.6 takes no notice.
  copyFileSync(written, join(folder, 'cni', NETWORK))
}
