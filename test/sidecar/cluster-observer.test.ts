import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import type { CliContext } from '../../src/cli/context.ts'
import { runClusterObserver } from '../../src/cli/run-cluster-observer.ts'
import { HeldCredentials } from '../../src/wire/held-credentials.ts'
import { wait } from '../../src/wire/wait.ts'
import { CONTROLLER, POD, POD_ADDRESS, stage } from '../detector/stage.ts'
import { findTool, skipWithout } from '../setup/tools.ts'

t.setTimeout(120_000)

const skip = skipWithout(['ss', 'stdbuf'].flatMap((name) => findTool(name).missing ?? []))
const unprivileged = ['setpriv', '--reuid', '65532', '--regid', '65532', '--clear-groups', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all']

/** Collects what is said, and waits for more of it. */
class Words {
  text = ''
  #changed = Promise.withResolvers<undefined>()

  add (text: string): void {
    this.text += text
    this.#changed.resolve(undefined)
    this.#changed = Promise.withResolvers()
  }

  async saying (wanted: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = wanted.exec(this.text)
      if (found !== null) return found
      await this.#changed.promise
    }
  }
}

function context (t: Test): { context: CliContext, words: Words, end: () => void } {
  const ending = new AbortController()
  t.teardown(() => ending.abort())
  const words = new Words()
  const stderr = new PassThrough().setEncoding('utf8').on('data', (text: string) => words.add(text))
  const settings = { enableActuation: null, modelPath: '', modelStore: '', modelKeys: '', allowUnsignedModel: false, logLevel: 'info', useGpu: false, kubeconfig: '', usualKubeconfig: '', inCluster: null } as const
  return { context: { stdout: new PassThrough(), stderr, interactive: false, settings, signal: ending.signal, version: '0', program: '', tellParent: null }, words, end: () => ending.abort() }
}

t.test('an observer watches before it has an identity, and connects as soon as it has one', { skip }, async (t) => {
  const { start, credentials } = await stage(t)
  const { address, detector } = await start()
  const { context: cli, words, end } = context(t)
  const held = new HeldCredentials('none was issued')
  const running = runClusterObserver({
    source: 'sockdiag',
    alsSocket: null,
    xds: null,
    addresses: [POD_ADDRESS],
    detector: address,
    issuer: '127.0.0.1:1',
    server: { ...CONTROLLER, uid: 'detector' },
    health: '127.0.0.1:0',
    credentials: { current: () => held.current(), onChange: (listener) => held.onChange(listener), run: async (signal) => { await wait(600_000, signal) } },
  }, cli)
  await words.saying(/the source sockdiag sees the traffic/)
  await words.saying(/is away \(UNAVAILABLE: there are no credentials yet: none was issued\)/)
  t.match(detector.stats(), { observers: 0 })
  held.take(credentials(POD))
  await words.saying(/connected to the detector/)
  t.match(detector.stats(), { observers: 1 })
  const [, port = ''] = await words.saying(/health and metrics on port (\d+)/)
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  t.match(metrics, 'autoshield_observer_connected 1\n')
  end()
  await running
  t.match(detector.stats(), { observers: 0 })
})

const needsRoot = process.getuid?.() === 0 ? skip : 'dropping every privilege needs root'

t.test('refused packets, no detector, no issuer, no credentials: it goes on, says so, and ends when told to', { skip: needsRoot }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-observer-'))
  t.teardown(async () => rm(folder, { recursive: true }))
  const main = join(import.meta.dirname, '../../src/main.ts')
  const [program, ...argv] = [...unprivileged, process.execPath, main, 'observer', '--cluster', '--source', 'packet', '--address', '127.0.0.1,::1', '--detector', '127.0.0.1:1',
    '--issuer', '127.0.0.1:1', '--trust-domain', 'cluster.test', '--credentials', folder, '--health', '127.0.0.1:0']
  const child = spawn(program, argv, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env['PATH'] } })
  t.teardown(() => child.kill('SIGKILL'))
  const words = new Words()
  child.stderr.setEncoding('utf8').on('data', (text: string) => words.add(text))
  await words.saying(/the source packet does not watch: .*NET_RAW.* The source sockdiag stands in\./)
  await words.saying(/the source sockdiag sees the traffic/)
  await words.saying(/has no new certificate yet: .*token cannot be read/)
  const [, port = ''] = await words.saying(/health and metrics on port (\d+)/)
  t.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200)
  t.match(await (await fetch(`http://127.0.0.1:${port}/readyz`)).json(), { watching: 'sockdiag', trouble: /NET_RAW/, connected: false })
  const toldMs = performance.now()
  child.kill('SIGTERM')
  const [code] = await once(child, 'close') as [number | null]
  t.equal(code, 0)
  t.ok(performance.now() - toldMs < 5_000, `it ended after ${Math.round(performance.now() - toldMs)} ms`)
})

const needsTcpdump = process.getuid?.() === 0 ? skipWithout(['ss', 'tcpdump'].flatMap((name) => findTool(name).missing ?? [])) : 'capturing needs root'

t.test('an observer whose detector has no address at its start opens its capture anew once it has one', { skip: needsTcpdump }, async (t) => {
  const { context: cli, words, end } = context(t)
  const state = { known: false }
  const held = new HeldCredentials('none was issued')
  const running = runClusterObserver({
    source: 'packet',
    alsSocket: null,
    xds: null,
    addresses: ['127.0.0.1'],
    detector: 'localhost:1',
    issuer: '127.0.0.1:2',
    server: { ...CONTROLLER, uid: 'detector' },
    health: null,
    resolve: async () => state.known ? ['127.0.0.1'] : [],
    credentials: { current: () => held.current(), onChange: (listener) => held.onChange(listener), run: async (signal) => { await wait(600_000, signal) } },
  }, cli)
  await words.saying(/the source packet sees the traffic/)
  state.known = true
  await words.saying(/the source packet sees the traffic[^]*the source packet sees the traffic/)
  t.notMatch(words.text, /does not watch/)
  end()
  await running
})

t.test('sockets stand in for an access log that nobody can write to', { skip }, async (t) => {
  const { context: cli, words, end } = context(t)
  const held = new HeldCredentials('none was issued')
  const running = runClusterObserver({
    source: 'als',
    alsSocket: join(t.testdir({}), 'nowhere', 'als.sock'),
    xds: null,
    addresses: [POD_ADDRESS],
    detector: '127.0.0.1:1',
    issuer: '127.0.0.1:2',
    server: { ...CONTROLLER, uid: 'detector' },
    health: null,
    credentials: { current: () => held.current(), onChange: (listener) => held.onChange(listener), run: async (signal) => { await wait(600_000, signal) } },
  }, cli)
  await words.saying(/the source als does not watch: .*nowhere.*the folder must be there and writable\. The source sockdiag stands in\./)
  await words.saying(/the source sockdiag sees the traffic/)
  t.notMatch(words.text, /the source als sees/)
  end()
  await running
})

t.test('what a call lacks is said at once', async (t) => {
  const main = join(import.meta.dirname, '../../src/main.ts')
  const call = async (...flags: string[]): Promise<{ code: number | null, text: string }> => {
    const child = spawn(process.execPath, [main, 'observer', ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
    const [said, [code]] = await Promise.all([child.stderr.toArray(), once(child, 'close') as Promise<[number | null]>])
    return { code, text: Buffer.concat(said as Buffer[]).toString() }
  }
  t.match(await call('--cluster', '--source', 'packet'), { code: 64, text: /needs --address, --detector, --issuer, --trust-domain, --credentials too/ })
  t.match(await call('--address', '10.0.0.1'), { code: 64, text: /needs --interface, --detector, --identity too/ })
  t.match(await call('--address', '10.0.0.1,nonsense'), { code: 64, text: /'nonsense' is no IP address/ })
})
