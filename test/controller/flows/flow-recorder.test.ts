import t from 'tap'
import { FlowRecorder } from '../../../src/controller/flows/flow-recorder.ts'
import { AutoshieldError } from '../../../src/core/errors.ts'
import type { FlowSighting, Witness } from '../../../src/core/history/sighting.ts'
import type { Pod } from '../../../src/core/pod.ts'
import type { Reporters } from '../../../src/ports/scores.ts'
import type { FlowAccount, FlowLog, PodMinute } from '../../../src/ports/flows.ts'

const pod = (name: string, address: string): Pod => ({ uid: `uid-${name}`, namespace: 'shop', name, addresses: [address], labels: { app: name }, node: 'node-1', workload: `Deployment/${name}` })

class FakeLog implements FlowLog {
  readonly accounts: FlowAccount[] = []
  readonly minutes: { readonly minute: number, readonly pods: readonly PodMinute[] }[] = []
  failure: Error | null = null
  settled = 0

  async record (accounts: readonly FlowAccount[]): Promise<void> {
    if (this.failure !== null) throw this.failure
    this.accounts.push(...accounts)
  }

  async settle (): Promise<void> {
    this.settled++
    if (this.failure !== null) throw this.failure
  }

  async watch (minute: number, pods: readonly PodMinute[]): Promise<void> {
    this.minutes.push({ minute, pods })
  }

  watched (): [] {
    return []
  }

  records (): [] {
    return []
  }

  kept () {
    return { rows: 0, sinceMs: null, lost: { room: 0, late: 0, ends: 0 } }
  }
}

function stage (pods: readonly Pod[], reporters?: Reporters) {
  const flows = new FakeLog()
  const warned: string[] = []
  const recorder = new FlowRecorder({
    flows,
    ...(reporters !== undefined && { reporters }),
    clock: { now: () => 7 * 60_000 + 59_999 },
    pods: { byAddress: (address) => pods.find(({ addresses }) => addresses.includes(address)) ?? null, byUid: (uid) => pods.find((each) => each.uid === uid) ?? null, list: () => pods },
    log: { info: () => undefined, warn: (_fields: object, message: string) => warned.push(message), error: () => undefined },
  })
  return { flows, warned, recorder }
}

const sighting = (witness: Witness, pod: string): FlowSighting => ({
  minute: 7, source: '10.0.0.1', destination: '10.0.0.2', witness, pod, use: { protocol: 6, port: 80, begun: 1, carried: 2, failed: 3, bytesSent: 4, bytesReceived: 5 },
})

t.test('a flow is written down with the pods that had its addresses, as they were', async (t) => {
  const { flows, recorder } = stage([pod('web', '10.0.0.1')])
  await recorder.take([sighting('recording', '')])
  t.strictSame(flows.accounts, [{
    minute: 7,
    protocol: 6,
    port: 80,
    witness: 'recording',
    begun: 1,
    carried: 2,
    failed: 3,
    bytesSent: 4,
    bytesReceived: 5,
    source: { address: '10.0.0.1', pod: { uid: 'uid-web', namespace: 'shop', name: 'web', labels: { app: 'web' }, namespaceLabels: { 'kubernetes.io/metadata.name': 'shop' }, node: 'node-1', workload: 'Deployment/web', hostNetwork: false, ports: [] }, service: null },
    destination: { address: '10.0.0.2', pod: null, service: null },
  }])
})

t.test('the observer\'s own end is its pod by certificate, whoever has the address by now', async (t) => {
  const { flows, recorder } = stage([pod('heir', '10.0.0.1'), pod('web', '10.0.0.9'), pod('db', '10.0.0.2')])
  await recorder.take([sighting('source', 'uid-web'), sighting('destination', 'uid-gone')])
  t.same(flows.accounts.map(({ source, destination }) => [source.pod?.name, destination.pod?.name]), [['web', 'db'], ['heir', 'db']])
})

t.test('a history that cannot be written is told in the log and stops nothing', async (t) => {
  const { flows, warned, recorder } = stage([])
  flows.failure = new AutoshieldError('UNAVAILABLE', 'the disk is full')
  await recorder.take([sighting('source', 'uid-web')])
  recorder.beat()
  await recorder.rest()
  t.same(warned, ['flows could not be recorded', 'recorded flows could not be merged'])
  flows.failure = null
  recorder.beat()
  await recorder.rest()
  t.equal(flows.settled, 2)
})

t.test('each minute it is noted which pods there were, and whose observers reported', async (t) => {
  const pods = [{ ...pod('web', '10.0.0.1'), observed: true }, { ...pod('silent', '10.0.0.2'), observed: true }, { ...pod('bare', '10.0.0.3'), observed: false }]
  const noted = async (reporters?: Reporters): Promise<string[]> => {
    const { flows, recorder } = stage(pods, reporters)
    recorder.beat()
    await recorder.rest()
    t.equal(flows.settled, 1)
    return flows.minutes.flatMap((each) => each.pods.map(({ uid, observed }) => `${each.minute} ${uid} ${observed}`))
  }
  t.strictSame(await noted({ reporters: async () => new Set(['spiffe://cluster.local/ns/shop/pod/uid-web']) }), ['7 uid-web true', '7 uid-silent false', '7 uid-bare false'])
  t.strictSame(await noted(), ['7 uid-web true', '7 uid-silent true', '7 uid-bare false'], 'where nobody tells who reports')
  t.strictSame(await noted({ reporters: async () => { throw new AutoshieldError('UNAVAILABLE', 'the detector is away') } }), ['7 uid-web false', '7 uid-silent false', '7 uid-bare false'], 'while it is away')
})
