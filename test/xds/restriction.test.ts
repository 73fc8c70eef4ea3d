import fc from 'fast-check'
import t from 'tap'
import type { Limit } from '../../src/core/mitigation/mitigation.ts'
import { chainsForAnyPort, chainsForPort, mergeRestrictions } from '../../xds/chain-measures.ts'
import { buildSnapshot } from '../../xds/build-snapshot.ts'
import { DutyIndex } from '../../xds/duty-index.ts'
import { restrictionsOf, type Restriction } from '../../xds/restriction.ts'
import { mitigationOf } from './mitigation-of.ts'

const NOW = Date.parse('2026-06-01T00:00:00Z')
function plan (...mitigations: ReturnType<typeof mitigationOf>[]) {
  const index = new DutyIndex()
  const changed = index.set(mitigations, NOW)
  return { pods: new Map([...changed].map((uid) => [uid, restrictionsOf(index.of(uid)).inbound])), outbound: (uid: string) => restrictionsOf(index.of(uid)).outbound, shortfalls: index.shortfalls, nextExpiry: index.nextExpiry }
}
const limit = (value: number, unit: Limit['unit'], burst = value): Limit => ({ value, unit, burst })

t.test('a restriction is in front of each victim, for each address of the subject in its canonical text', async (t) => {
  const { pods } = plan(mitigationOf('m', {
    subject: { uid: 'a', addresses: ['2001:DB8:0::1', '2001:db8::1', '::ffff:10.0.0.9', '10.0.0.9'] },
    victims: [{ uid: 'one', addresses: ['10.0.0.1'] }, { uid: 'two', addresses: ['10.0.0.2'] }],
  }))
  t.same([...pods.keys()], ['one', 'two'])
  for (const sources of pods.values()) t.same([...sources].map(([source, restrictions]) => [source, restrictions.length]), [['10.0.0.9', 1], ['2001:db8::1', 1]])
})

// Only what is active, unexpired, in enforce mode and not simulated may enforce.
const ENFORCED: [mode: 'enforce' | 'shadow', simulated: boolean, then: boolean][] = [
  ['enforce', false, true], ['enforce', true, false], ['shadow', false, false], ['shadow', true, false],
]
for (const [mode, simulated, then] of ENFORCED) {
  t.test(`${mode}${simulated ? ', simulated' : ''}: ${then ? 'is enforced' : 'is counted only'}`, async (t) => {
    const { pods } = plan(mitigationOf('m', { mode }, { simulated }))
    t.equal(pods.get('victim')?.get('127.0.0.66')?.[0]?.enforce, then)
    t.equal(mergeRestrictions([...pods.get('victim')?.values() ?? []].flat(), 'tcp').deny, then)
  })
}

t.test('what has ended or expired restricts nobody', async (t) => {
  const { pods } = plan(
    mitigationOf('expired', {}, { phase: 'expired' }), mitigationOf('reverted', {}, { phase: 'reverted' }),
    mitigationOf('due', { expiresAt: new Date(NOW).toISOString() })
  )
  t.equal(pods.size, 0)
})

t.test('the next expiry is that of the first that still runs', async (t) => {
  const at = (offset: number) => ({ expiresAt: new Date(NOW + offset).toISOString() })
  t.equal(plan(mitigationOf('a', at(9000)), mitigationOf('b', at(5000)), mitigationOf('c', at(-1)), mitigationOf('d', at(1), { phase: 'reverted' })).nextExpiry, NOW + 5000)
  t.equal(plan().nextExpiry, Infinity)
})

const CANNOT: Record<string, [Parameters<typeof mitigationOf>[1], RegExp]> = {
  'forged sources': [{ subject: 'anySource' }, /forged sources apart/],
  'no victims': [{ victims: [] }, /victim/],
  'no address': [{ subject: { uid: 'a', addresses: ['10.0.0.300'] } }, /10\.0\.0\.300/],
  'a limit that is missing': [{ action: 'limit' }, /names no limit/],
  'less than a connection': [{ action: 'limit', limit: limit(0.5, 'connections') }, /deny/],
  'more tokens than a bucket holds': [{ action: 'limit', limit: limit(1e10, 'connections/s') }, /outside/],
  'less than a KiB': [{ action: 'limit', limit: limit(1000, 'bytes/s') }, /1 KiB/],
}
for (const [name, [spec, message]] of Object.entries(CANNOT)) {
  t.test(`what a proxy cannot carry is said and makes no resource: ${name}`, async (t) => {
    const { pods, shortfalls } = plan(mitigationOf('m', spec), mitigationOf('good'))
    t.match(shortfalls, [{ mitigation: 'm', message }])
    t.same([...pods.get('victim')?.get('127.0.0.66') ?? []].map(({ mitigation }) => mitigation), ['good'])
  })
}

const of = (measure: Restriction['measure'], enforce = true): Restriction => ({ mitigation: 'm', enforce, measure, ports: 'any' })
t.test('of several restrictions on one source the strictest of each kind holds', async (t) => {
  t.same(mergeRestrictions([
    of({ kind: 'watch' }), of({ kind: 'limit', limit: limit(10, 'connections/s', 30) }), of({ kind: 'limit', limit: limit(20, 'connections/s', 5) }),
    of({ kind: 'limit', limit: limit(3.9, 'connections') }), of({ kind: 'limit', limit: limit(125_000, 'bytes/s') }), of({ kind: 'limit', limit: limit(1e9, 'bytes/s') }), of({ kind: 'limit', limit: limit(7, 'requests/s') }), of({ kind: 'limit', limit: limit(2, 'requests/s') }, false),
  ], 'http'), { deny: false, requestsPerSecond: { rate: 7, burst: 7 }, connectionsPerSecond: { rate: 10, burst: 5, ports: 'any' }, connections: 3, kibPerSecond: 122, shadow: false, shadowRequestsPerSecond: { rate: 2, burst: 2 } })
  t.match(mergeRestrictions([of({ kind: 'deny' }), of({ kind: 'watch' })], 'tcp'), { deny: true, shadow: false })
  t.match(mergeRestrictions([of({ kind: 'deny' }, false), of({ kind: 'limit', limit: limit(1, 'connections') }, false)], 'tcp'), { deny: false, connections: null, shadow: true })
  t.match(mergeRestrictions([of({ kind: 'watch' }, false)], 'tcp'), { deny: false, shadow: false }, 'there is nothing to count in a watch')
})

const arbitrarySources = fc.dictionary(fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '2001:db8::1'), fc.array(fc.record({
  mitigation: fc.string(),
  enforce: fc.boolean(),
  measure: fc.constantFrom({ kind: 'deny' as const }, { kind: 'watch' as const }),
  ports: fc.oneof(fc.constant('any' as const), fc.uniqueArray(fc.constantFrom<number[]>(22, 80, 443), { minLength: 1 })),
}), { minLength: 1 })).map((record) => new Map(Object.entries(record)))

const HTTP = 8080

/** Envoy's choice (FilterChainManagerImpl::findFilterChain): by port first, without going back; then by source; else the default. */
function envoyPicks (chains: ReturnType<typeof chainsForAnyPort>, source: string, port: number) {
  const named = chains.filter((chain) => chain.port === port)
  // A port where requests are seen has a chain for everybody.
  return (named.length > 0 || port === HTTP ? named : chains.filter((chain) => chain.port === null)).find((chain) => chain.peer === source)?.measures ?? null
}

t.test('by Envoy\'s way of choosing, every source gets what holds for it on every port, and nobody else does', async (t) => {
  fc.assert(fc.property(arbitrarySources, fc.constantFrom('10.0.0.1', '10.0.0.2', '2001:db8::1', '10.9.9.9'), fc.constantFrom(22, 80, 443, 8080), (sources, source, port) => {
    const here = (sources.get(source) ?? []).filter(({ ports }) => ports === 'any' || ports.includes(port))
    const layer = port === HTTP ? 'http' : 'tcp'
    const expected = here.length === 0 ? null : mergeRestrictions(here, layer)
    const chains = chainsForAnyPort('source', sources, [HTTP])
    t.strictSame(envoyPicks(chains, source, port), expected)
    t.strictSame(chainsForPort(sources, port, layer).find((chain) => chain.peer === source)?.measures ?? null, expected)
    const matches = chains.map((chain) => `${chain.peer} ${String(chain.port)}`)
    t.equal(new Set(matches).size, matches.length, 'no two chains with one match: Envoy refuses them')
  }))
})

t.test('where a subject is cut at egress, its own proxy does it too, by the addresses that it is cut off from', async (t) => {
  const spec = { subject: { uid: 'a', addresses: ['10.0.0.9'] }, victims: [{ uid: 'one', addresses: ['10.0.0.1', 'FD00::1'] }], services: ['10.96.0.2'], destinations: ['203.0.113.7'] }
  for (const direction of ['egress', 'both'] as const) {
    const { pods, outbound } = plan(mitigationOf('m', { ...spec, direction }))
    t.same([...pods.keys()], ['one', 'a'])
    t.same([...outbound('a').keys()], ['10.0.0.1', '10.96.0.2', '203.0.113.7', 'fd00::1'])
    t.same([...pods.get('one')?.keys() ?? []], ['10.0.0.9'])
  }
  t.same([...plan(mitigationOf('m', { ...spec, direction: 'ingress' })).pods.keys()], ['one'])
  t.same([...plan(mitigationOf('m', { ...spec, victims: [], services: [], direction: 'egress' })).outbound('a').keys()], ['203.0.113.7'], 'no victim\'s proxy stands there')
  t.match(plan(mitigationOf('m', { ...spec, victims: [] })).shortfalls, [{ message: /names no victim/ }])
})

t.test('a limit on the new connections of all sources is told to a keeper, and said where there is none', async (t) => {
  const spec = { subject: 'anySource', action: 'limit', limit: limit(200, 'connections/s', 400) } as const
  const index = new DutyIndex()
  index.set([mitigationOf('a', spec), mitigationOf('b', { ...spec, limit: limit(100, 'connections/s', 500) }), mitigationOf('c', { ...spec, ports: [80, 443] }), mitigationOf('d', { ...spec, mode: 'shadow', limit: limit(1, 'connections/s') })], NOW)
  const inbound = { mode: 'redirect', port: 15_006 } as const
  const chains = ({ content: { listeners } }: ReturnType<typeof buildSnapshot>): string[] => listeners?.flatMap(({ filterChains }) => filterChains.map(({ name }) => name)) ?? []
  const kept = buildSnapshot({ inbound, cutsSockets: true }, index.of('victim'))
  t.strictSame([chains(kept), kept.mitigations, kept.shortfalls], [['loop-guard', 'syn-limit/any/100/400', 'syn-limit/80,443/200/400'], ['a', 'b', 'c', 'd'], []], 'the lowest of each set of ports; what is in shadow limits nothing')
  for (const without of [{ inbound }, { inbound: { mode: 'explicit', ports: [] }, cutsSockets: true }] as const) {
    const built = buildSnapshot(without, index.of('victim'))
    t.strictSame([chains(built).filter((name) => name.startsWith('syn')), built.mitigations, built.shortfalls.length], [[], [], 4])
    t.match(built.shortfalls[0], { mitigation: 'a', message: /takes a redirect/ })
  }
})

t.test('requests a second hold where requests are seen, and what is left is said', async (t) => {
  const spec = { action: 'limit', limit: limit(5, 'requests/s') } as const
  const built = (ports: 'any' | number[], httpPorts: number[]) => {
    const index = new DutyIndex()
    index.set([mitigationOf('m', { ...spec, ports })], NOW)
    const { mitigations, shortfalls } = buildSnapshot({ inbound: { mode: 'redirect', port: 15_006 }, httpPorts }, index.of('victim'))
    return { mitigations, said: shortfalls.map(({ message }) => message) }
  }
  t.match(built([80], [80]), { mitigations: ['m'], said: [] })
  t.match(built('any', [80, 8080]), { mitigations: ['m'], said: [/declared HTTP ports alone: 80, 8080/] })
  t.match(built([80, 22], [80]), { mitigations: ['m'], said: [/alone: 80/] })
  t.match(built([22], [80]), { mitigations: [], said: [/autoshield\.dev\/http-ports/] })
  t.match(built('any', []), { mitigations: [], said: [/limit connections\/s or bytes\/s/] })
})
