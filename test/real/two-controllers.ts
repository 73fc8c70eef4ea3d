import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Running } from '../program.ts'
import { freePort } from '../xds/laboratory.ts'
import { startCluster, stopCluster } from './cluster/cluster.ts'
import { command } from './cluster/command.ts'

const CRDS = fileURLToPath(new URL('../../deploy/chart/crds', import.meta.url))
const SETTINGS = 'image: autoshield:0\ndetector: "127.0.0.1:1"\nidentity: "127.0.0.1:1"\nrevision: failover\n'

/** A controller as a process of this machine, in the name of a pod. */
export interface Replica {
  readonly pod: string
  readonly data: string
  readonly api: string
  /** The newest process. */
  readonly running: Running
  readonly start: () => void
}

export interface Controllers {
  readonly kubectl: (args: readonly string[], stdin?: string) => Promise<string>
  readonly replicas: readonly [Replica, Replica]
}

/** Two controllers, that have just been started, of a cluster of their own without nodes. `later` is told how to end each thing, last first. */
export async function twoControllers (folder: string, later: (end: () => Promise<unknown>) => void, say: (line: string) => void): Promise<Controllers> {
  const cluster = await startCluster({ node: false, lasting: false, say })
  later(() => stopCluster(cluster))
  const kubectl = async (args: readonly string[], stdin?: string): Promise<string> =>
    command(join(cluster.programs, 'kubectl'), ['--kubeconfig', cluster.kubeconfig, '-n', 'autoshield', ...args], stdin === undefined ? {} : { stdin })
  await kubectl(['apply', '--server-side', '-f', CRDS])
  await kubectl(['create', 'namespace', 'autoshield'])
  await kubectl(['wait', '--for=create', 'serviceaccount/default', '--timeout=60s'])
  const settings = join(folder, 'injection.yaml')
  await writeFile(settings, SETTINGS)
  const replica = async (pod: string): Promise<Replica> => {
    await kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: pod }, spec: { schedulerName: 'nobody', containers: [{ name: 'c', image: 'none' }] } }))
    const data = join(folder, pod)
    await mkdir(data)
    const [control, follow, api, page, metrics] = await Promise.all([freePort(), freePort(), freePort(), freePort(), freePort()])
    const start = (): Running => Running.start([
      'controller', '--kubeconfig', cluster.kubeconfig, '--settings', settings, '--detector', '127.0.0.1:1', '--data', data, '--control', `127.0.0.1:${control}`,
      '--webhook-url', 'https://127.0.0.1:1', '--api-port', String(api), '--dashboard-port', String(page), '--metrics-port', String(metrics),
      '--lease', 'autoshield-controller', '--pod', pod, '--replica-address', `127.0.0.1:${follow}`,
    ])
    let running = start()
    later(async () => running[Symbol.asyncDispose]())
    return {
      pod,
      data,
      api: `http://127.0.0.1:${api}`,
      get running () { return running },
      start: () => { running = start() },
    }
  }
  return { kubectl, replicas: [await replica('controller-0'), await replica('controller-1')] }
}

export const leads = async ({ running }: Replica): Promise<unknown> => running.saying(/the controller runs/, 60_000)
export const follows = async ({ running }: Replica): Promise<unknown> => running.saying(/this replica follows/, 60_000)

/** The one that leads first, and the other. */
export const inOrder = async ([one, other]: Controllers['replicas']): Promise<readonly [Replica, Replica]> =>
  Promise.race([leads(one).then(() => [one, other] as const), leads(other).then(() => [other, one] as const)])
