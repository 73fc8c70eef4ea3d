import t from 'tap'
import { RestrictionTally } from '../../../sidecar/als/restriction-tally.ts'
import type { ProxyEntry } from '../../../sidecar/als/proxy-entry.ts'
import { entry, T0 } from './entries.ts'

const OWN = 'source/10.0.0.9'

function counted (...entries: ProxyEntry[]) {
  const tally = new RestrictionTally()
  for (const each of entries) tally.take(each)
  return tally.drain()
}

t.test('an attempt counts once, in the step in which it began, by what became of it', (t) => {
  const none = { attempts: 0, denied: 0, limited: 0, passed: 0, shadowed: 0 }
  const table: [string, ProxyEntry[], Partial<typeof none> | null][] = [
    ['of nobody restricted', [entry()], null],
    ['denied', [entry({ chain: OWN, fate: 'denied', reached: false })], { attempts: 1, denied: 1 }],
    ['limited', [entry({ chain: OWN, fate: 'limited', reached: false })], { attempts: 1, limited: 1 }],
    ['passed', [entry({ chain: OWN })], { attempts: 1, passed: 1 }],
    ['passed, to a port where nothing listens', [entry({ chain: OWN, fate: 'failed' })], { attempts: 1, passed: 1 }],
    ['begun: it counts when it is told of again', [entry({ chain: OWN, kind: 'begun' })], null],
    ['begun, open, open, over', [entry({ chain: OWN, kind: 'begun' }), entry({ chain: OWN, kind: 'going' }), entry({ chain: OWN, kind: 'going' }), entry({ chain: OWN })], { attempts: 1, passed: 1 }],
    ['passed in shadow', [entry({ chain: OWN, shadowed: true })], { attempts: 1, passed: 1, shadowed: 1 }],
    ['in shadow and limited', [entry({ chain: OWN, shadowed: true, fate: 'limited' })], { attempts: 1, limited: 1 }],
    ['a request, and the connection that it came on', [entry({ chain: OWN, kind: 'request', stream: 's', startMs: T0 + 1 }), entry({ chain: OWN, reached: false })], { attempts: 1, passed: 1 }],
    ['a request that goes on', [entry({ chain: OWN, kind: 'requesting', stream: 's' })], null],
  ]
  for (const [name, entries, wanted] of table) {
    const counts = counted(...entries).map(({ attempts, denied, limited, passed, shadowed }) => ({ attempts, denied, limited, passed, shadowed }))
    t.strictSame(counts, wanted === null ? [] : [{ ...none, ...wanted }], name)
  }
  t.match(counted(entry({ chain: OWN, startMs: T0 + 700 })), [{ source: '10.0.0.9', destination: '10.0.0.1', port: null, unit: 'connections', atMs: T0 + 500 }])
  t.end()
})

t.test('a request that a route stopped on a connection that was open before counts, too', (t) => {
  t.match(counted(entry({ chain: 'http/8080', kind: 'request', stream: 's', fate: 'denied', reached: false, toPort: 8080 })), [{ unit: 'requests', port: 8080, denied: 1 }])
  t.match(counted(entry({ chain: 'default', kind: 'request', stream: 's', fate: 'limited', port: 80 })), [{ unit: 'requests', port: 80, limited: 1 }])
  t.strictSame(counted(entry({ chain: 'http/8080', kind: 'request', stream: 's' })), [], 'what passes there is everybody\'s')
  t.end()
})

t.test('the port is the chain\'s, or the listener\'s', (t) => {
  t.equal(counted(entry({ chain: `${OWN}/port/8080` }))[0]?.port, 8080)
  t.equal(counted(entry({ chain: OWN, port: 80 }))[0]?.port, 80)
  t.equal(counted(entry({ chain: 'destination/10.0.0.1' }))[0]?.port, null)
  t.end()
})

t.test('what there is no room for is counted', (t) => {
  const tally = new RestrictionTally()
  for (let step = 0; step < 4_100; step++) tally.take(entry({ chain: OWN, startMs: T0 + step * 500 }))
  t.equal(tally.drain().length, 4_096)
  t.equal(tally.dropped, 4)
  t.end()
})

t.test('however many connections are open, each counts once', (t) => {
  const tally = new RestrictionTally()
  let attempts = 0
  const tell = (kind: 'going' | 'ended', connections: number) => {
    for (let each = 0; each < connections; each++) tally.take(entry({ chain: OWN, kind, cookie: String(each) }))
    for (const count of tally.drain()) attempts += count.attempts
  }
  for (let round = 0; round < 3; round++) tell('going', 17_000)
  t.equal(attempts, 16_384, 'those for which there is no room wait for their end')
  tell('ended', 17_000)
  t.equal(attempts, 17_000)
  t.end()
})

t.test('open connections whose end is lost make room for others', (t) => {
  const tally = new RestrictionTally()
  for (let each = 0; each < 16_384; each++) tally.take(entry({ chain: OWN, kind: 'going', cookie: `lost ${each}` }))
  for (let drain = 0; drain < 121; drain++) tally.drain()
  tally.take(entry({ chain: OWN, kind: 'going', cookie: 'new' }))
  t.equal(tally.drain()[0]?.attempts, 1)
  t.end()
})
