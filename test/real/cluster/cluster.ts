import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { buildCilium } from './build-cilium.ts'
import { buildPrograms, cacheFolder } from './build.ts'
import { API_PORT, startControlPlane } from './control-plane.ts'
import { type Enforcing, enforcingNodes, introduceNodes } from './enforcing.ts'
import type { Say } from './go-build.ts'
import { chooseWire, layWire, removeWire, type Wire } from './network.ts'
import { BLOBS, type Images, makeImages } from './images.ts'
import { importImages, type Node, PREPARE_NODE, startContainers, startNode } from './node.ts'
import { Pki } from './pki.ts'
import { endNamespaces, isAlive, Sandbox, type ProcessIdentity } from './sandbox.ts'

const PREFIX = 'autoshield-cluster-'
const CGROUPS = '/sys/fs/cgroup'
const RECORD = 'cluster.json'

/** A cluster that was started, as its folder records it. */
export interface Cluster {
  /** All that it keeps; removed by `stopCluster`. */
  readonly folder: string
  /** Its programs, kubectl among them. */
  readonly programs: string
  readonly keeper: ProcessIdentity
  readonly wire: Wire
  /** `https://ADDRESS:PORT` of the API server. */
  readonly server: string
  /** Of a cluster's administrator; whole in itself. */
  readonly kubeconfig: string
  /** The API server's audit log, a JSON object a line: every write with its bodies, and who read what. */
  readonly auditLog: string
  /** The images that its nodes have; undefined where no pod runs. */
  readonly images?: Images
  /** Its nodes and what is beside them, where NetworkPolicies are enforced. */
  readonly enforcing?: Enforcing
}

export interface StartOptions {
  /** An empty folder of its own; one under the machine's temporary folder when not given. */
  readonly folder?: string
  /** Whether pods run: with a kubelet, containers and images; without, the API server takes pods and nobody starts them. */
  readonly node: boolean
  /** `links` (the default): one node, and nobody enforces NetworkPolicies. `cilium`: two nodes, on which Cilium does. */
  readonly network?: 'links' | 'cilium'
  /** Whether it goes on when this process ends. */
  readonly lasting: boolean
  readonly say: Say
  /** Aborted, a start is given up, and what it made is removed. */
  readonly signal?: AbortSignal
}

/** Starts a cluster; resolves when it takes pods. Leaves nothing behind when it fails or is given up. Needs root. */
export async function startCluster (options: StartOptions): Promise<Cluster> {
  const { say, node, signal } = options
  await sweep(say)
  const programs = await buildPrograms(say, signal)
  const cilium = options.network === 'cilium' ? await buildCilium(say, signal) : undefined
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), PREFIX))
  try {
    for (const part of ['logs/node', 'pki', 'control-plane', 'lib']) mkdirSync(join(folder, part), { recursive: true, mode: 0o700 })
    const images = node ? await makeImages(join(folder, 'images'), programs, say) : undefined
    signal?.throwIfAborted()
    return await startSandboxed({ ...options, folder }, { programs, images, cilium })
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

/** What was made before anything started: folders of programs, and images for nodes. */
interface Made { readonly programs: string, readonly images: Images | undefined, readonly cilium: string | undefined }

async function startSandboxed ({ folder, lasting, say, signal }: StartOptions & { folder: string }, { programs, images, cilium }: Made): Promise<Cluster> {
  const started = Date.now()
  const wire = chooseWire()
  const logs = join(folder, 'logs')
  const sandbox = await Sandbox.start({ folder, logs, pause: join(programs, 'pause'), lasting, prepare: PREPARE_NODE })
  let cluster: Cluster = {
    folder,
    programs,
    keeper: sandbox.keeper,
    wire,
    server: `https://${wire.cluster}:${API_PORT}`,
    kubeconfig: join(folder, 'control-plane', 'admin.kubeconfig'),
    auditLog: join(logs, 'audit.log'),
    ...(images === undefined ? {} : { images }),
  }
  const giveUp = (): void => sandbox.giveUp(signal?.reason)
  signal?.addEventListener('abort', giveUp)
  try {
    record(cluster)
    await layWire(sandbox, wire)
    const pki = await Pki.make(join(folder, 'pki'))
    const plane = { sandbox, programs, pki, folder: join(folder, 'control-plane'), auditLog: cluster.auditLog, address: wire.cluster }
    const nodes: Node[] = []
    if (images !== undefined) {
      const first: Node = { ...plane, name: 'node-1', nodeAddress: wire.cluster, podBlock: '10.244.0.0/24', layout: join(folder, 'images'), images, cgroup: wire.link, network: 'links' }
      if (cilium === undefined) nodes.push(first)
      else {
        const { machines, enforcing } = await enforcingNodes(first, cilium)
        nodes.push(...machines)
        record(cluster = { ...cluster, enforcing })
      }
    }
    await Promise.all([startControlPlane(plane), ...nodes.map(startContainers)])
    if (cilium !== undefined) await introduceNodes(nodes, cilium)
    await Promise.all(nodes.map(startNode))
  } catch (error) {
    sandbox.giveUp(error)
    await stopCluster(cluster)
    throw error
  } finally {
    signal?.removeEventListener('abort', giveUp)
  }
  say(`cluster ready after ${((Date.now() - started) / 1000).toFixed(1)} s`)
  return cluster
}

function record (cluster: Cluster): void {
  const path = join(cluster.folder, RECORD)
  writeFileSync(`${path}.new`, JSON.stringify(cluster, null, 2), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/** Where the cluster of a developer of this checkout stands that `npm run cluster -- up` starts. */
export function standingFolder (): string {
  return join(cacheFolder(), `standing-${createHash('sha256').update(import.meta.dirname).digest('hex').slice(0, 12)}`)
}

/** The cluster whose folder this is, running or dead. */
export function recordedCluster (folder: string): Cluster | undefined {
  const path = join(folder, RECORD)
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) as Cluster : undefined // written by `record`
}

/** The cluster whose folder this is, if it runs. */
export function runningCluster (folder: string): Cluster | undefined {
  const cluster = recordedCluster(folder)
  return cluster !== undefined && isAlive(cluster.keeper) ? cluster : undefined
}

/** Gives a running cluster the images of what the checkout holds now; its references are in the returned record. */
export async function refreshImages (cluster: Cluster, say: Say): Promise<Cluster> {
  if (cluster.images === undefined) return cluster
  const layout = join(cluster.folder, 'images')
  const fresh = mkdtempSync(`${layout}-`)
  try {
    const images = await makeImages(fresh, cluster.programs, say)
    if (isDeepStrictEqual(images, cluster.images)) return cluster
    // What the node was given once it keeps: without it 4 MB travel in place of 350.
    for (const blob of readdirSync(join(layout, BLOBS))) rmSync(join(fresh, BLOBS, blob), { force: true })
    for (const { keeper } of cluster.enforcing?.nodes ?? [cluster]) await importImages(Sandbox.of(keeper, join(cluster.folder, 'logs')), fresh)
    for (const blob of readdirSync(join(fresh, BLOBS))) renameSync(join(fresh, BLOBS, blob), join(layout, BLOBS, blob))
    const refreshed = { ...cluster, images }
    record(refreshed)
    return refreshed
  } finally {
    rmSync(fresh, { recursive: true })
  }
}

/** Ends every process of a cluster and removes all that it made, also what one left that has died. */
export async function stopCluster (cluster: Cluster): Promise<void> {
  await endNamespaces(cluster.keeper)
  await removeWire(cluster.wire.link)
  removeCgroups(cluster.wire.link)
  rmSync(cluster.folder, { recursive: true, force: true, maxRetries: 3 })
}

/** The cgroups of pods, deepest first; the kernel keeps a cgroup that something lives in, and then says so. */
function removeCgroups (name: string): void {
  const hierarchies = existsSync(join(CGROUPS, 'cgroup.controllers')) ? [CGROUPS] : readdirSync(CGROUPS).map((controller) => join(CGROUPS, controller))
  for (const top of hierarchies.map((hierarchy) => join(hierarchy, name)).filter((folder) => existsSync(folder))) {
    const folders = readdirSync(top, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
    for (const folder of [...folders.sort((a, b) => b.length - a.length), top]) rmdirSync(folder)
  }
}

/** Removes what clusters left whose owner was killed: their processes ended with it, their folders and cgroups did not. */
async function sweep (say: Say): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const cluster = recordedCluster(join(tmpdir(), name))
    if (cluster === undefined || isAlive(cluster.keeper)) continue
    say(`removing what a killed run left in ${cluster.folder}`)
    await stopCluster(cluster)
  }
}
