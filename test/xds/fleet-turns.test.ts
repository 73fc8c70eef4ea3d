import t from 'tap'
import { Fleet, type FleetOptions } from '../../xds/fleet.ts'
import type { ProxySpec } from '../../xds/proxy-spec.ts'
import type { Standing } from '../../xds/session.ts'
import type { Snapshot } from '../../xds/snapshot.ts'
import { mitigationOf } from './mitigation-of.ts'

const MANY = 10_000
const PODS = Array.from({ length: MANY }, (_, at) => `pod-${at}`)
const SPECS: readonly ProxySpec[] = PODS.map((podUid) => ({ podUid, inbound: { mode: 'redirect', port: 15_006 } }))
/** Restricts one source in front of every pod, in mitigations of 500. */
const DENIALS = Array.from({ length: MANY / 500 }, (_, at) => mitigationOf(`deny-${at}`, { victims: PODS.slice(at * 500, at * 500 + 500).map((uid) => ({ uid, addresses: [] })) }))
const LAST = PODS.at(-1) ?? ''

const fleetOf = (more: Partial<FleetOptions> = {}): Fleet => new Fleet({ clock: { now: () => Date.parse('2026-06-01T00:00:00Z') }, defaultInbound: { mode: 'redirect', port: 15_006 }, ...more })

/** A fleet whose slices wait until the test lets them go. */
function held () {
  const waiting: (() => void)[] = []
  const fleet = fleetOf({ later: (work) => waiting.push(work) })
  /** Gives how many slices there were. */
  const drain = (): number => {
    for (let slices = 0; ; slices++) {
      const work = waiting.shift()
      if (work === undefined) return slices
      work()
    }
  }
  return { fleet, drain, waiting }
}

class Proxy {
  readonly updates: Snapshot[] = []
  update (snapshot: Snapshot): void { this.updates.push(snapshot) }
  standing (): Standing { return { state: 'pending', final: false, message: '' } }
  clientAddress (): null { return null }
}

t.test('while 10,000 proxies are told something, heartbeats are served', async (t) => {
  const fleet = fleetOf()
  const done = (count: number): Promise<void> => {
    let told = 0
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const listening = fleet.onChange(() => {
      if (++told < count) return
      listening[Symbol.dispose]()
      resolve(undefined)
    })
    return promise
  }
  for (const [what, change] of [['proxies', () => fleet.setProxies(SPECS)], ['restrictions', () => fleet.apply(DENIALS)]] as const) {
    let turns = 0
    let timer = 0
    const beat = (): void => { immediate = setImmediate(() => { turns++; beat() }) }
    let immediate: NodeJS.Immediate | undefined
    const over = done(MANY)
    beat()
    const heartbeat = setInterval(() => timer++, 1)
    change()
    await over
    clearInterval(heartbeat)
    clearImmediate(immediate)
    t.ok(turns >= 30, `${what}: ${turns} turns of the event loop`)
    t.ok(timer >= 1, `${what}: a timer came ${timer} times`)
  }
  t.equal(fleet.statuses().filter(({ mitigations }) => mitigations.length === 1).length, MANY)
})

t.test('a proxy that a change has not reached yet begins with what holds now', (t) => {
  const { fleet, drain } = held()
  fleet.setProxies(SPECS)
  drain()
  fleet.apply(DENIALS)
  t.strictSame(fleet.status(LAST)?.mitigations, [], 'it is not its turn yet')
  t.strictSame(fleet.current(LAST).mitigations, ['deny-19'])
  const proxy = new Proxy()
  fleet.connect(LAST, proxy)
  drain()
  t.strictSame(proxy.updates, [], 'and is not told twice')
  t.end()
})

t.test('a change of few does not wait for one of many, and outlives it', (t) => {
  const { fleet, drain } = held()
  fleet.setProxies(SPECS)
  drain()
  fleet.apply(DENIALS)
  fleet.apply([...DENIALS, mitigationOf('urgent', { victims: [{ uid: LAST, addresses: [] }], subject: { uid: 'other', addresses: ['10.0.0.9'] } })])
  t.strictSame(fleet.status(LAST)?.mitigations, ['deny-19', 'urgent'])
  t.ok(drain() >= 30)
  t.strictSame(fleet.status(LAST)?.mitigations, ['deny-19', 'urgent'])
  t.equal(fleet.statuses().filter(({ mitigations }) => mitigations.length > 0).length, MANY)
  t.end()
})

t.test('many changes at once end where the last of them says, in one pass', (t) => {
  const { fleet, drain, waiting } = held()
  fleet.setProxies(SPECS)
  fleet.apply(DENIALS)
  fleet.apply([])
  fleet.setProxies(SPECS.slice(0, 5))
  t.equal(waiting.length, 1, 'there is one pass')
  drain()
  t.strictSame(fleet.statuses().map(({ podUid, mitigations }) => [podUid, mitigations]).sort(), PODS.slice(0, 5).map((uid) => [uid, []]))
  t.end()
})
