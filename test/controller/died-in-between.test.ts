import t from 'tap'
import { AutoshieldError } from '../../src/core/errors.ts'
import { DEFAULT_SAFETY_FILE } from '../../src/core/safety/settings.ts'
import type { ControllerParts } from '../../src/controller/controller-parts.ts'
import { ATTACKER, madeScore, T0, type Made } from '../core/verdict/made-score.ts'
import { Bench } from './bench.ts'

const scan = (n: number, made: Made = {}) => madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 * n, reporter: ATTACKER, ...made })
const never = async (): Promise<never> => { throw new AutoshieldError('UNAVAILABLE', 'it died before that') }
const OF_ACTIONS = /decision\.|mitigation\.applied/
const told = (bench: Bench): string[] => bench.trail().filter((line) => OF_ACTIONS.test(line))

/** A controller hears of a scan and comes no further than `until` lets it, as one that is killed there. */
async function killedAt (dir: string, until: (parts: ControllerParts) => Partial<ControllerParts>): Promise<void> {
  await using bench = await Bench.start(dir, { wrap: until })
  await bench.scores.push(scan(1))
}

t.test('killed after a mitigation was stored and before its decision was: the next one takes it over, tells so, and takes it off the budget', async (t) => {
  const dir = t.testdir()
  await killedAt(dir, ({ store }) => ({ store: { ...store, decisions: { get: (id) => store.decisions.get(id), list: (query) => store.decisions.list(query), put: never } } }))
  await using bench = await Bench.start(dir, { nowMs: T0 + 2_000, settings: { safety: { ...DEFAULT_SAFETY_FILE, actionsPerMinute: 1 } } })
  t.equal(bench.fleet.inForce.length, 1, 'it goes on')
  t.strictSame(told(bench), ['mitigation.applied mitigation TakenOver'])
  await bench.scores.push(scan(4))
  t.strictSame(told(bench).slice(1), ['decision.suppress detection AlreadyMitigated'], 'nothing is done twice')
  await bench.scores.push(scan(4, { key: { kind: 'fan-out', source: '10.0.0.7' } }))
  t.match(told(bench).at(-1), /RateLimited/, 'the minute has no further action')
})

t.test('killed before a mitigation was stored: nothing is kept of its decision, and the next one decides anew', async (t) => {
  const dir = t.testdir()
  await killedAt(dir, ({ store }) => ({ store: { ...store, mitigations: { get: (id) => store.mitigations.get(id), list: (query) => store.mitigations.list(query), put: never } } }))
  await using bench = await Bench.start(dir, { nowMs: T0 + 2_000 })
  t.strictSame([bench.fleet.inForce, told(bench), bench.store.decisions.list()], [[], [], []])
  await bench.scores.push(scan(4))
  t.equal(bench.fleet.inForce.length, 1, 'no cooldown and no settled answer keeps it from that')
  t.strictSame(told(bench), ['decision.mitigate detection RuleMatched', 'mitigation.applied mitigation RuleMatched'])
})

t.test('killed when all was stored and nothing told: the next one tells it, once', async (t) => {
  const dir = t.testdir()
  await killedAt(dir, ({ audit }) => ({ audit: { search: (query) => audit.search(query), append: async (entry) => OF_ACTIONS.test(entry.action) ? never() : audit.append(entry) } }))
  for (const start of ['first', 'second']) {
    await using bench = await Bench.start(dir, { nowMs: T0 + 2_000 })
    t.equal(bench.fleet.inForce.length, 1)
    t.strictSame(told(bench), ['decision.mitigate detection RuleMatched', 'mitigation.applied mitigation RuleMatched'], `after the ${start} start`)
  }
})
