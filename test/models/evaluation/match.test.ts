import t from 'tap'
import { beginningOf, ownerOf } from '../../../models/evaluation/match.ts'
import type { Attack, RunLabels } from '../../../models/training/run-labels.ts'

const attack = (changes: Partial<Attack>): Attack =>
  ({ class: 'PORT_SCAN', enoughPackets: null, tool: 'nmap', service: 'any', manner: 'plain', rate: null, sentAs: null, firstPacketMs: 100_000, lastPacketMs: 110_000, residueUntilMs: 111_000, legs: [{ source: '10.0.0.1', destination: '10.0.0.2', ports: null }], ...changes })

const labels = (attacks: readonly Attack[], suspects: readonly string[] = []): RunLabels =>
  ({ run: 'r', scenario: 's', startedMs: 0, holdout: true, pods: new Set(['10.0.0.1', '10.0.0.2', '10.0.0.3']), suspects: new Set(suspects), attacks, benign: [] })

const said = (source: string | null, target: string | null, changes = {}) => ({
  class: 'PORT_SCAN',
  kind: source === null ? 'fan-in' as const : target === null ? 'fan-out' as const : 'pair' as const,
  source: source === null ? null : { address: source },
  target: target === null ? null : { address: target },
  lastSeen: new Date(105_000).toISOString(),
  ...changes,
})

t.test('a detection belongs to the attack whose ends and time it names', async (t) => {
  const one = labels([attack({})])
  t.same(ownerOf(said('10.0.0.1', '10.0.0.2'), 105_000, one), { kind: 'attack', index: 0 })
  t.same(ownerOf(said('10.0.0.2', '10.0.0.1'), 105_000, one), { kind: 'attack', index: 0 }, 'also told the other way round')
  t.same(ownerOf(said('10.0.0.1', null), 105_000, one), { kind: 'attack', index: 0 }, 'by its source alone')
  t.same(ownerOf(said(null, '10.0.0.2'), 105_000, one), { kind: 'attack', index: 0 }, 'by its victim alone')
  t.same(ownerOf(said('10.0.0.3', '10.0.0.2'), 105_000, one), { kind: 'false' })
  t.same(ownerOf(said('10.0.0.1', '10.0.0.2'), 99_000, one), { kind: 'false' }, 'it opened before there was anything to find')
  t.same(ownerOf(said('10.0.0.1', '10.0.0.2', { lastSeen: new Date(200_000).toISOString() }), 190_000, one), { kind: 'false' }, 'long after it')
})

t.test('of two attacks between the same ends a detection is of that of its class', async (t) => {
  const two = labels([attack({ class: 'SYN_FLOOD' }), attack({})])
  t.same(ownerOf(said('10.0.0.1', '10.0.0.2'), 105_000, two), { kind: 'attack', index: 1 })
  t.same(ownerOf(said('10.0.0.1', '10.0.0.2', { class: 'BRUTE_FORCE' }), 105_000, two), { kind: 'attack', index: 0 })
})

t.test('forged sources are no pod\'s, ranges hold no pod, and a suspect\'s other traffic is unknown', async (t) => {
  const flood = labels([attack({ legs: [{ source: '*', destination: '10.0.0.2', ports: [80] }] })])
  t.same(ownerOf(said('203.0.113.9', '10.0.0.2'), 105_000, flood), { kind: 'attack', index: 0 })
  t.same(ownerOf(said('10.0.0.3', '10.0.0.2'), 105_000, flood), { kind: 'false' })
  const sweep = labels([attack({ legs: [{ source: '10.0.0.1', destination: '10.0.0.0/24', ports: null }] })])
  t.same(ownerOf(said('10.0.0.1', '10.0.0.77'), 105_000, sweep), { kind: 'attack', index: 0 })
  t.same(ownerOf(said('10.0.0.1', '10.0.0.3'), 105_000, sweep), { kind: 'false' })
  t.same(ownerOf(said('10.0.0.1', '10.0.0.9'), 105_000, labels([attack({})], ['10.0.0.1'])), { kind: 'unknown' })
})

t.test('an attack without times began with the first window of its ends', async (t) => {
  const windows = [{ startMs: 5, source: '10.0.0.3', destination: '10.0.0.2' }, { startMs: 9, source: '10.0.0.1', destination: '10.0.0.2' }]
  t.equal(beginningOf(attack({ firstPacketMs: -Infinity }), windows, new Set()), 9)
  t.equal(beginningOf(attack({}), windows, new Set()), 100_000)
})
