import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { autoshield, Running } from '../program.ts'
import { freePort } from '../xds/laboratory.ts'
import { startCluster, stopCluster } from './cluster/cluster.ts'
import { command } from './cluster/command.ts'
import { withoutCluster } from './cluster/test-cluster.ts'

const CRDS = fileURLToPath(new URL('../../deploy/chart/crds', import.meta.url))
const SETTINGS = 'image: autoshield:0\ndetector: "127.0.0.1:1"\nidentity: "127.0.0.1:1"\nrevision: failover\n'

interface Replica {
  readonly pod: string
  readonly data: string
  readonly api: string
  running: Running
  readonly start: () => void
}

/** Two controllers of one cluster: processes of this machine, in the names of two pods. */
async function controllers (t: Test): Promise<{ kubectl: (args: readonly string[], stdin?: string) => Promise<string>, replicas: readonly [Replica, Replica] }> {
  const cluster = await startCluster({ node: false, lasting: false, say: (line) => { t.comment(`cluster: ${line}`) } })
  t.teardown(() => stopCluster(cluster))
  const kubectl = async (args: readonly string[], stdin?: string): Promise<string> =>
    command(join(cluster.programs, 'kubectl'), ['--kubeconfig', cluster.kubeconfig, '-n', 'autoshield', ...args], stdin === undefined ? {} : { stdin })
  await kubectl(['apply', '--server-side', '-f', CRDS])
  await kubectl(['create', 'namespace', 'autoshield'])
  await kubectl(['wait', '--for=create', 'serviceaccount/default', '--timeout=60s'])
  const folder = t.testdir()
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
    const made: Replica = { pod, data, api: `http://127.0.0.1:${api}`, running: start(), start: () => { made.running = start() } }
    t.teardown(async () => made.running[Symbol.asyncDispose]())
    return made
  }
  return { kubectl, replicas: [await replica('controller-0'), await replica('controller-1')] }
}

const leads = async ({ running }: Replica): Promise<unknown> => running.saying(/the controller runs/, 60_000)
const follows = async ({ running }: Replica): Promise<unknown> => running.saying(/this replica follows, and may take over/, 60_000)

t.setTimeout(300_000)

t.test('a controller that is killed is replaced by one that has all it had', { skip: withoutCluster('api') }, async (t) => {
  const { kubectl, replicas: [one, other] } = await controllers(t)
  const [first, second] = await Promise.race([leads(one).then(() => [one, other] as const), leads(other).then(() => [other, one] as const)])
  await follows(second)
  await kubectl(['wait', `pod/${first.pod}`, '--for=jsonpath={.metadata.labels.autoshield\\.dev/leader}=true', '--timeout=30s'])

  t.match(await autoshield(['panic', '--reason', 'a drill', '--api', first.api]), { status: 0 })
  first.running.kill('SIGKILL')
  await first.running.ended
  await leads(second)

  const search = JSON.parse((await autoshield(['audit', 'search', '--data', second.data, '--action', 'panic.begun', '-o', 'json'])).stdout) as { detail: unknown }
  t.match(search, { actor: /./, reason: 'Halted', detail: { reason: 'a drill' } }, 'what the dead one acknowledged last is in the trail of its successor')
  t.match(await autoshield(['audit', 'verify', '--data', second.data]), { status: 0 }, 'which is one chain')
  t.match(await autoshield(['panic', '--end', '--reason', 'the drill is over', '--api', second.api]), { status: 0 }, 'and the kill switch is still pulled')
  t.match(await kubectl(['get', 'pods', '-l', 'autoshield.dev/leader', '-o', 'name']), new RegExp(`^pod/${second.pod}$`, 'm'), 'the Service finds it, and it alone')
  t.notMatch(await kubectl(['get', 'pods', '-l', 'autoshield.dev/leader', '-o', 'name']), first.pod)

  first.start()
  await follows(first)
  second.running.kill('SIGTERM')
  t.strictSame(await second.running.ended, [0, null])
  await leads(first)
  t.match((await autoshield(['audit', 'search', '--data', first.data, '--action', 'panic.ended', '-o', 'json'])).stdout, /the drill is over/, 'one that comes back follows, and leads again when the other leaves')
  t.match(await autoshield(['audit', 'verify', '--data', first.data]), { status: 0 })
})
