import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildPrograms, type Say } from './build.ts'
import { API_PORT, startControlPlane } from './control-plane.ts'
import { chooseWire, layWire, removeWire, type Wire } from './network.ts'
import { Pki } from './pki.ts'
import { endNamespaces, isAlive, Sandbox, type ProcessIdentity } from './sandbox.ts'

const PREFIX = 'autoshield-cluster-'
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
}

export interface StartOptions {
  /** An empty folder of its own; one under the machine's temporary folder when not given. */
  readonly folder?: string
  /** Whether it goes on when this process ends. */
  readonly lasting: boolean
  readonly say: Say
}

/** Starts a cluster; resolves when it takes pods. Leaves nothing behind when it fails. Needs root. */
export async function startCluster ({ folder = mkdtempSync(join(tmpdir(), PREFIX)), lasting, say }: StartOptions): Promise<Cluster> {
  await sweep(say)
  const programs = await buildPrograms(say)
  const started = Date.now()
  const logs = join(folder, 'logs')
  for (const part of ['logs', 'pki', 'control-plane', 'lib']) mkdirSync(join(folder, part), { recursive: true, mode: 0o700 })
  const wire = chooseWire()
  const sandbox = await Sandbox.start({ folder, logs, pause: join(programs, 'pause'), lasting, prepare: 'mount -t tmpfs tmpfs /run' })
  const cluster: Cluster = {
    folder,
    programs,
    keeper: sandbox.keeper,
    wire,
    server: `https://${wire.cluster}:${API_PORT}`,
    kubeconfig: join(folder, 'control-plane', 'admin.kubeconfig'),
    auditLog: join(logs, 'audit.log'),
  }
  try {
    record(cluster)
    await layWire(sandbox, wire)
    const pki = await Pki.make(join(folder, 'pki'))
    await startControlPlane({ sandbox, programs, pki, folder: join(folder, 'control-plane'), auditLog: cluster.auditLog, address: wire.cluster })
  } catch (error) {
    await sandbox.stop()
    await stopCluster(cluster)
    throw error
  }
  say(`API server ready after ${((Date.now() - started) / 1000).toFixed(1)} s`)
  return cluster
}

function record (cluster: Cluster): void {
  const path = join(cluster.folder, RECORD)
  writeFileSync(`${path}.new`, JSON.stringify(cluster, null, 2), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/** The cluster whose folder this is, if it runs. */
export function runningCluster (folder: string): Cluster | undefined {
  const path = join(folder, RECORD)
  if (!existsSync(path)) return undefined
  const cluster = JSON.parse(readFileSync(path, 'utf8')) as Cluster // written by `record`
  return isAlive(cluster.keeper) ? cluster : undefined
}

/** Ends every process of a cluster and removes all that it made. Says nothing of one that has ended already. */
export async function stopCluster (cluster: Cluster): Promise<void> {
  await endNamespaces(cluster.keeper)
  await removeWire(cluster.wire.link)
  rmSync(cluster.folder, { recursive: true, force: true })
}

/** Removes what clusters left whose owner was killed: their processes ended with it, their folders and links did not. */
async function sweep (say: Say): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name)
    if (!existsSync(join(folder, RECORD)) || runningCluster(folder) !== undefined) continue
    say(`removing what a killed run left in ${folder}`)
    await stopCluster(JSON.parse(readFileSync(join(folder, RECORD), 'utf8')) as Cluster)
  }
}
