import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { autoshield, type Outcome } from '../program.ts'
import { startCluster, stopCluster } from './cluster/cluster.ts'
import { command } from './cluster/command.ts'
import type { Images } from './cluster/images.ts'
import type { Lifetime, TestCluster } from './cluster/test-cluster.ts'

const CHART = fileURLToPath(new URL('../../deploy/chart', import.meta.url))
export const OWN_NAMESPACE = 'autoshield'
/** The tests' cluster has no DNS, so the Services have addresses that are known before. */
const ADDRESSES = { controller: '10.96.50.1', detector: '10.96.50.2', xds: '10.96.50.3' } as const

/** A cluster with AutoShield installed in it by Helm, as a user would. */
export interface Installed {
  readonly kubeconfig: string
  /** The test's own address, seen from the cluster. */
  readonly host: string
  readonly auditLog: string
  readonly images: Images
  readonly kubectl: (args: readonly string[], stdin?: string) => Promise<string>
  readonly helm: (args: readonly string[]) => Promise<string>
  /** `autoshield ARGS` against this cluster, from outside of it. */
  readonly cli: (...args: string[]) => Promise<Outcome>
  /** `autoshield ARGS` in the controller's container, on its data. */
  readonly controller: (...args: string[]) => Promise<string>
  /** Values that install this checkout's image. */
  readonly values: readonly string[]
  /** Ends every process of a container at once, as a crash would. */
  readonly kill: (namespace: string, pod: string, container: string) => Promise<void>
}

type Place = Pick<TestCluster, 'kubeconfig' | 'programs' | 'images' | 'auditLog' | 'host'>

/**
 * Its webhooks are registered cluster-wide under the default revision, so no other test may run beside it in its cluster. `more`: values
 * beside those that any test needs; one of several lines is text as it stands. `given`: where it is installed, and taken away again at the
 * end of the test; else in a cluster of the test's own.
 */
export async function install (t: Lifetime, more: Readonly<Record<string, string>> = {}, given?: Place): Promise<Installed> {
  const { kubeconfig, programs, images, auditLog, host } = given ?? await ownCluster(t)
  const run = async (program: string, args: readonly string[], stdin?: string): Promise<string> =>
    command(join(programs, program), ['--kubeconfig', kubeconfig, ...args], stdin === undefined ? {} : { stdin })
  const kubectl: Installed['kubectl'] = async (args, stdin) => run('kubectl', args, stdin)
  const values = Object.entries({ image: images.autoshield, 'controller.clusterIP': ADDRESSES.controller, 'detector.clusterIP': ADDRESSES.detector, 'xds.clusterIP': ADDRESSES.xds, ...more })
    .flatMap(([name, value]) => [value.includes('\n') ? '--set-literal' : '--set', `${name}=${value}`])
  if (given !== undefined) t.teardown(async () => takeAway(kubectl, async (args) => run('helm', args)))
  await run('helm', ['install', 'autoshield', CHART, '--namespace', OWN_NAMESPACE, '--create-namespace', ...values, '--wait', '--timeout', '300s'])
  await kubectl(['wait', '--for=create', 'mutatingwebhookconfiguration/autoshield-default', '--timeout=60s'])
  return {
    kubeconfig,
    host,
    auditLog,
    images,
    kubectl,
    values,
    helm: async (args) => run('helm', args),
    cli: async (...args) => autoshield([...args, '--kubeconfig', kubeconfig]),
    controller: async (...args) => kubectl(['-n', OWN_NAMESPACE, 'exec', 'deploy/autoshield-controller', '--', 'autoshield', ...args, '--data', '/var/lib/autoshield']),
    kill: async (namespace, pod, container) => {
      const status = JSON.parse(await kubectl(['-n', namespace, 'get', 'pod', pod, '-o', 'json'])) as { status: { containerStatuses: { name: string, containerID: string }[] } }
      const id = status.status.containerStatuses.find(({ name }) => name === container)?.containerID.replace('containerd://', '') ?? ''
      for (const pid of processesOf(id)) process.kill(pid, 'SIGKILL')
    },
  }
}

async function ownCluster (t: Lifetime): Promise<Place> {
  const { images, wire, ...cluster } = await startCluster({ node: true, lasting: false, say: (line) => { t.comment(`cluster: ${line}`) } })
  t.teardown(() => stopCluster({ ...cluster, wire }))
  if (images === undefined) throw new Error('a cluster with a node has images')
  return { ...cluster, images, host: wire.host }
}

/** Leaves the cluster as it was, for the next test. */
async function takeAway (kubectl: Installed['kubectl'], helm: Installed['helm']): Promise<void> {
  await helm(['uninstall', 'autoshield', '--namespace', OWN_NAMESPACE, '--ignore-not-found', '--wait', '--timeout', '120s'])
  await kubectl(['delete', 'namespace', OWN_NAMESPACE, '--ignore-not-found', '--timeout=180s'])
  await kubectl(['delete', 'mutatingwebhookconfigurations,validatingwebhookconfigurations', '-l', 'app.kubernetes.io/managed-by=autoshield'])
}

/** Processes of one container, told by the control group that its runtime made for it. */
function processesOf (container: string): number[] {
  if (!/^[0-9a-f]{64}$/.test(container)) throw new Error(`'${container}' is no container of containerd`)
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(container)
    } catch {
      return false // it ended meanwhile
    }
  }).map(Number)
}
