import t from 'tap'
import type { ProxyStatus } from '../../src/ports/proxies.ts'
import { Fleet } from '../../xds/fleet.ts'
import type { SaidClientAddress } from '../../xds/client-address.ts'
import type { Standing } from '../../xds/session.ts'
import type { Snapshot } from '../../xds/snapshot.ts'
import { explicitProxy } from './laboratory.ts'
import { mitigationOf } from './mitigation-of.ts'

const PROXY = explicitProxy('victim', [{ listen: { address: '10.0.0.1', port: 80 }, upstream: { address: '127.0.0.1', port: 8080 } }])

function fleet (now = { ms: Date.parse('2026-06-01T00:00:00Z') }) {
  const told: ProxyStatus[] = []
  const fleet = new Fleet({ clock: { now: () => now.ms }, defaultInbound: { mode: 'redirect', port: 15_006 } })
  fleet.onChange((status) => told.push(status))
  return { fleet, told, now }
}

/** A proxy that takes nothing until told. */
class FakeProxy {
  readonly updates: Snapshot[] = []
  state: Standing = { state: 'pending', final: false, message: 'taking it' }
  update (snapshot: Snapshot): void { this.updates.push(snapshot) }
  standing (): Standing { return this.state }
  said: SaidClientAddress | null = null
  clientAddress (): SaidClientAddress | null { return this.said }
}

t.test('a pod without a proxy has the snapshot that a proxy would get, and no status', async (t) => {
  const { fleet: one } = fleet()
  one.apply([mitigationOf('deny')])
  t.match(one.snapshot('victim'), { version: /^[0-9a-f]{16}$/, resources: { listeners: [{ name: 'inbound', filter_chains: [{ name: 'loop-guard' }, { name: 'source/127.0.0.66' }] }] } })
  t.same(one.statuses(), [])
  t.equal(one.snapshot('nobody'), null)
  one.apply([])
  t.equal(one.snapshot('victim'), null, 'nothing names it any more')
})

t.test('a proxy that is known but away is pending, with what it should carry', async (t) => {
  const { fleet: one } = fleet()
  one.setProxies([PROXY])
  one.apply([mitigationOf('deny')])
  t.match(one.statuses(), [{ podUid: 'victim', connected: false, state: 'pending', mitigations: ['deny'], message: /no proxy/ }])
})

t.test('of the streams of one pod the newest counts, whichever of them speaks or ends', (t) => {
  const { fleet: one } = fleet()
  one.setProxies([PROXY])
  const inSync: Standing = { state: 'in-sync', final: true, message: '' }
  const refused: Standing = { state: 'rejected', final: true, message: 'no' }
  const state = () => one.status('victim')?.state
  const [old, young] = [new FakeProxy(), new FakeProxy()]
  const ofOld = one.connect('victim', old)
  old.state = inSync
  one.answered('victim')
  t.equal(state(), 'in-sync')
  const ofYoung = one.connect('victim', young)
  t.match(one.status('victim'), { connected: true, state: 'pending' })
  ofOld[Symbol.dispose]()
  t.match(one.status('victim'), { connected: true, state: 'pending' }, 'it took with it what it said')
  const again = one.connect('victim', old)
  young.state = refused
  one.answered('victim')
  t.equal(state(), 'in-sync', 'what is now the older one does not count')
  ofYoung[Symbol.dispose]()
  again[Symbol.dispose]()
  t.match(one.status('victim'), { connected: false, state: 'in-sync' }, 'what the last one had taken stays')
  t.end()
})

t.test('the same set twice changes nothing, tells nobody and updates no proxy', async (t) => {
  const { fleet: one, told } = fleet()
  one.setProxies([PROXY])
  const proxy = new FakeProxy()
  one.connect('victim', proxy)
  one.apply([mitigationOf('b'), mitigationOf('a', { ports: [80] })])
  const [updates, events] = [proxy.updates.length, told.length]
  one.apply([mitigationOf('a', { ports: [80] }), mitigationOf('b')])
  one.setProxies([PROXY])
  t.same([proxy.updates.length, told.length], [updates, events])
  t.equal(updates, 1)
})

t.test('two mitigations that ask for the same are one version that carries both', async (t) => {
  const { fleet: one } = fleet()
  one.setProxies([PROXY])
  const proxy = new FakeProxy()
  one.connect('victim', proxy)
  one.apply([mitigationOf('a')])
  const { version } = one.current('victim')
  one.apply([mitigationOf('a'), mitigationOf('b')])
  t.match(one.statuses(), [{ version, mitigations: ['a', 'b'] }])
  t.equal(proxy.updates.length, 1, 'nothing to send')
})

t.test('a proxy that left in sync stays so until something else should hold', async (t) => {
  const { fleet: one } = fleet()
  one.setProxies([PROXY])
  const proxy = new FakeProxy()
  const connection = one.connect('victim', proxy)
  proxy.state = { state: 'in-sync', final: true, message: '' }
  one.answered('victim')
  connection[Symbol.dispose]()
  t.match(one.statuses(), [{ connected: false, state: 'in-sync' }])
  one.apply([mitigationOf('deny')])
  t.match(one.statuses(), [{ connected: false, state: 'pending' }])
})

t.test('what a proxy has taken is told while it owes an answer to something else', async (t) => {
  const { fleet: one } = fleet()
  one.setProxies([PROXY])
  const proxy = new FakeProxy()
  one.connect('victim', proxy)
  one.apply([mitigationOf('first')])
  t.match(one.statuses(), [{ state: 'pending', taken: [] }])
  proxy.state = { state: 'in-sync', final: true, message: '' }
  one.answered('victim')
  t.match(one.statuses(), [{ state: 'in-sync', taken: ['first'] }])
  proxy.state = { state: 'pending', final: false, message: '' }
  one.apply([mitigationOf('first'), mitigationOf('second', { ports: [80], action: 'limit', limit: { value: 1, unit: 'connections/s', burst: 1 }, subject: { uid: 'x', addresses: ['10.9.9.9'] } })])
  t.match(one.statuses(), [{ state: 'pending', mitigations: ['first', 'second'], taken: ['first'], openConnections: { first: [{ means: 'none' }] } }])
  one.apply([])
  t.match(one.statuses(), [{ mitigations: [], taken: [] }])
})

t.test('a proxy that left before it had answered is not taken to have what it was sent', async (t) => {
  const { fleet: one } = fleet()
  one.setProxies([PROXY])
  one.connect('victim', new FakeProxy())[Symbol.dispose]()
  t.match(one.statuses(), [{ connected: false, state: 'pending' }])
})

t.test('a proxy of a pod that nobody announced is served by the default and forgotten when it goes', async (t) => {
  const { fleet: one } = fleet()
  const connection = one.connect('guest', new FakeProxy())
  t.match(one.statuses(), [{ podUid: 'guest', connected: true, state: 'pending' }])
  connection[Symbol.dispose]()
  t.same(one.statuses(), [])
  t.equal(one.snapshot('guest'), null)
})

t.test('what expires goes without the controller, at its time and not before', async (t) => {
  const { fleet: one, now } = fleet()
  one.setProxies([PROXY])
  one.apply([mitigationOf('brief', { expiresAt: new Date(now.ms + 1000).toISOString() }), mitigationOf('long')])
  now.ms += 999
  one.expire()
  t.match(one.statuses(), [{ mitigations: ['brief', 'long'] }])
  now.ms += 1
  one.expire()
  t.match(one.statuses(), [{ mitigations: ['long'] }])
})

t.test('what does not hold to Envoy\'s rules is not sent: the proxy keeps what it has and the status says why', async (t) => {
  const { fleet: one } = fleet()
  one.setProxies([PROXY])
  const proxy = new FakeProxy()
  one.connect('victim', proxy)
  const good = one.current('victim')
  one.setProxies([explicitProxy('victim', [{ listen: { address: '10.0.0.1', port: 99_999 }, upstream: { address: '127.0.0.1', port: 8080 } }])])
  t.match(one.statuses(), [{ state: 'rejected', message: /not sent: listener 'inbound\/10\.0\.0\.1:99999': .*port_value breaks lte: 65535/ }])
  t.equal(one.current('victim'), good)
  t.same(proxy.updates, [])
  one.setProxies([PROXY])
  t.match(one.statuses(), [{ state: 'pending', message: 'taking it' }])
})

t.test('what no proxy can carry is named, with the reason', async (t) => {
  const { fleet: one } = fleet()
  one.apply([mitigationOf('flood', { subject: 'anySource' })])
  t.match(one.shortfalls(), [{ mitigation: 'flood', message: /forged/ }])
  t.equal(one.snapshot('victim'), null)
})

/** Takes what it is sent at once, but for what it refuses. */
class Answering {
  readonly pushed: (readonly string[])[] = []
  answers = 0
  #standing: Standing = { state: 'pending', final: false, message: '' }
  readonly #refuses: (mitigations: readonly string[]) => boolean
  constructor (refuses: (mitigations: readonly string[]) => boolean) { this.#refuses = refuses }
  update ({ mitigations }: Snapshot): void {
    this.pushed.push(mitigations)
    this.#standing = this.#refuses(mitigations) ? { state: 'rejected', final: true, message: 'no' } : { state: 'in-sync', final: true, message: '' }
  }

  standing (): Standing { return this.#standing }
  clientAddress (): null { return null }
}

/** Once for each push, until the proxy is sent nothing more. */
function answerAll (one: ReturnType<typeof fleet>['fleet'], proxy: Answering): void {
  for (; proxy.answers < proxy.pushed.length; proxy.answers++) one.answered('victim')
}

const denies = (name: string, address: string) => mitigationOf(name, { subject: { uid: name, addresses: [address] } })

t.test('restrictions that change nothing hold up none of those that are tried after a refusal', async (t) => {
  for (const together of [true, false]) {
    const { fleet: one } = fleet()
    one.setProxies([PROXY])
    const proxy = new Answering((mitigations) => mitigations.includes('bad'))
    one.connect('victim', proxy)
    const first = denies('first', '10.0.0.66')
    const [same, bad, later] = [denies('same', '10.0.0.66'), denies('bad', '10.0.0.67'), denies('later', '10.0.0.68')]
    for (const set of together ? [[first], [first, same, bad]] : [[first], [first, same], [first, same, bad]]) {
      one.apply(set)
      answerAll(one, proxy)
    }
    one.apply([first, same, bad, later])
    answerAll(one, proxy)
    t.match(one.statuses(), [{ state: 'in-sync', mitigations: ['first', 'later', 'same'], refused: [{ mitigation: 'bad', message: 'no' }] }], JSON.stringify(proxy.pushed))
    t.ok(proxy.pushed.slice(1).every((mitigations) => mitigations.includes('first')), 'what was taken is never taken out')
  }
})

t.test('a later end of a restriction is no new restriction', async (t) => {
  const { fleet: one, now } = fleet()
  one.setProxies([PROXY])
  const proxy = new Answering((mitigations) => mitigations.includes('bad'))
  one.connect('victim', proxy)
  const until = (ms: number) => mitigationOf('first', { expiresAt: new Date(now.ms + ms).toISOString(), reason: `for ${ms} ms` })
  one.apply([until(1_000)])
  answerAll(one, proxy)
  one.apply([until(5_000)])
  one.apply([until(5_000), denies('bad', '10.0.0.67')])
  answerAll(one, proxy)
  t.ok(proxy.pushed.every((mitigations) => mitigations.includes('first')), JSON.stringify(proxy.pushed))
  now.ms += 2_000
  one.expire()
  t.match(one.statuses(), [{ mitigations: ['first'] }], 'it ends at its new time')
  now.ms += 4_000
  one.expire()
  t.match(one.statuses(), [{ mitigations: [] }])
})
