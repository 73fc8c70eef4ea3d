import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { findTool, skipWithout } from '../../setup/tools.ts'
import { buildPrograms } from './build.ts'
import { type Cluster, refreshImages, runningCluster, standingFolder, startCluster, stopCluster } from './cluster.ts'
import { command } from './command.ts'
import type { Enforcing } from './enforcing.ts'
import type { Say } from './go-build.ts'
import type { Images } from './images.ts'

/**
 * The variable by which `npm test` hands over the folder of the cluster that it started for the whole suite. With the value `kubeconfig`
 * tests use the cluster that `KUBECONFIG` names; without it they never look at `KUBECONFIG`, which may name one that people live on.
 */
export const CLUSTER_VARIABLE = 'AUTOSHIELD_TEST_CLUSTER'
const USERS_OWN = 'kubeconfig'

/** `api`: objects, admission, tokens; no pod ever runs. `node`: pods run. `enforcing`: on two nodes, and NetworkPolicies are enforced. */
export type Needs = 'api' | 'node' | 'enforcing'

const API = ['go', 'openssl', 'ip', 'nft', 'unshare', 'nsenter', 'busybox']
const NODE = [...API, 'containerd', 'runc', 'envoy', 'setpriv']
const PROGRAMS: Readonly<Record<Needs, readonly string[]>> = { api: API, node: NODE, enforcing: [...NODE, 'clang-19'] }

/** What ends what was started, last first, and hears what it says: a test is one. */
export interface Lifetime {
  readonly teardown: (end: () => unknown) => unknown
  readonly comment: (line: string) => unknown
}

/** A cluster as a test sees it. */
export interface TestCluster {
  /** The administrator's. */
  readonly kubeconfig: string
  /** `https://ADDRESS:PORT` of the API server. */
  readonly server: string
  /** The test's own address, seen from the cluster: a webhook that listens there is reached by URL from the API server and from pods. */
  readonly host: string
  /** The API server's audit log, a JSON object a line: every write with its bodies, and who read what. */
  readonly auditLog: string
  /** The folder of `kubectl`, `helm` and the rest. */
  readonly programs: string
  /** What pods can be made from (`needs: 'node'`). */
  readonly images: Images
  /** The nodes, and the machine beside them (`needs: 'enforcing'`). */
  readonly enforcing: Enforcing
  /** Runs kubectl as the administrator to its end; resolves to what it printed and rejects with what it complained. */
  readonly kubectl: (args: readonly string[], options?: { readonly stdin?: string }) => Promise<string>
  /** Makes a namespace that no other test has, removed at the end of this test; resolves to its name. */
  readonly namespace: (labels?: Readonly<Record<string, string>>) => Promise<string>
}

/** A reason to skip a test that needs a cluster, with the way to get it, or false. With CI=true nothing may be missing: it throws. */
export function withoutCluster (needs: Needs): string | false {
  const own = process.env[CLUSTER_VARIABLE] !== USERS_OWN
  const programs = own ? PROGRAMS[needs] : ['go']
  const lines = programs.flatMap((name) => findTool(name).missing ?? [])
  if (own && process.getuid?.() !== 0) lines.push('a cluster needs root: sudo npm test')
  return skipWithout(lines)
}

/**
 * The suite's cluster, or the one that `npm run cluster -- up` left running, or, when there is neither, a cluster of the test's own that
 * is stopped when the test ends.
 */
export async function testCluster (t: Lifetime, { needs }: { needs: Needs }): Promise<TestCluster> {
  const place = process.env[CLUSTER_VARIABLE] === USERS_OWN
    ? await usersCluster((line) => { t.comment(`cluster: ${line}`) })
    : placeOf(suiteCluster() ?? await standingCluster(t, needs) ?? await ownCluster(t, needs))
  const kubectl = (args: readonly string[], options: { readonly stdin?: string } = {}): Promise<string> =>
    command(join(place.programs, 'kubectl'), ['--kubeconfig', place.kubeconfig, ...args], options)
  const namespace = async (labels: Readonly<Record<string, string>> = {}): Promise<string> => {
    const name = `test-${randomBytes(4).toString('hex')}`
    await kubectl(['create', '-f', '-'], { stdin: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }) })
    t.teardown(() => kubectl(['delete', 'namespace', name, '--wait=false', '--ignore-not-found']))
    return name
  }
  return Object.assign(place, { kubectl, namespace })
}

/** Where a cluster is and what it has. */
type Place = Omit<TestCluster, 'kubectl' | 'namespace'>

function placeOf ({ kubeconfig, server, wire, auditLog, programs, images, enforcing }: Cluster): Place {
  return {
    kubeconfig,
    server,
    host: wire.host,
    auditLog,
    programs,
    get images () { return images ?? absent("images, for it has no node; ask for { needs: 'node' }") },
    get enforcing () { return enforcing ?? absent("enforcement of NetworkPolicies; run the file by 'npm run test:cluster -- FILE'") },
  }
}

async function usersCluster (say: Say): Promise<Place> {
  const kubeconfig = process.env['KUBECONFIG'] ?? absent(`address: ${CLUSTER_VARIABLE}=${USERS_OWN} wants KUBECONFIG to name one`)
  const programs = await buildPrograms(say)
  return {
    kubeconfig,
    server: await command(join(programs, 'kubectl'), ['--kubeconfig', kubeconfig, 'config', 'view', '--minify', '--output', 'jsonpath={.clusters[0].cluster.server}']),
    programs,
    get host () { return absent(`way to this machine; unset ${CLUSTER_VARIABLE} for this test`) },
    get auditLog () { return absent(`audit log on this machine; unset ${CLUSTER_VARIABLE} for this test`) },
    get images () { return absent(`images of this checkout; unset ${CLUSTER_VARIABLE} for this test`) },
    get enforcing () { return absent(`machine outside; unset ${CLUSTER_VARIABLE} for this test`) },
  }
}

function absent (what: string): never { throw new Error(`the tests' cluster has no ${what}`) }

function suiteCluster (): Cluster | undefined {
  const folder = process.env[CLUSTER_VARIABLE]
  if (folder === undefined) return undefined
  const cluster = runningCluster(folder)
  if (cluster === undefined) throw new Error(`${CLUSTER_VARIABLE}=${folder} names no running cluster; unset it, and the test starts one`)
  return cluster
}

async function standingCluster (t: Lifetime, needs: Needs): Promise<Cluster | undefined> {
  const cluster = runningCluster(standingFolder())
  if (cluster === undefined || (needs !== 'api' && cluster.images === undefined) || (needs === 'enforcing' && cluster.enforcing === undefined)) return undefined
  t.comment("cluster: the one that 'npm run cluster -- up' started; 'npm run cluster -- down' ends it")
  return needs !== 'api' ? refreshImages(cluster, (line) => { t.comment(`cluster: ${line}`) }) : cluster
}

async function ownCluster (t: Lifetime, needs: Needs): Promise<Cluster> {
  const cluster = await startCluster({ node: needs !== 'api', network: needs === 'enforcing' ? 'cilium' : 'links', lasting: false, say: (line) => { t.comment(`cluster: ${line}`) } })
  t.teardown(() => stopCluster(cluster))
  return cluster
}
