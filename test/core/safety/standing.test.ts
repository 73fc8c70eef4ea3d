import t from 'tap'
import { recordOutcome, withAction } from '../../../src/core/safety/ledger.ts'
import { DEFAULT_SAFETY_SETTINGS } from '../../../src/core/safety/settings.ts'
import { standingOf, type BreakerStanding } from '../../../src/core/safety/standing.ts'
import { EMPTY_SAFETY_STATE, type Breaker, type SafetyState } from '../../../src/core/safety/state.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 0)
const SETTINGS = { ...DEFAULT_SAFETY_SETTINGS, actuationEnabled: true }
const iso = (ms: number): string => new Date(ms).toISOString()
const withBreaker = (breaker: Breaker): SafetyState => ({ ...EMPTY_SAFETY_STATE, enforced: { ...EMPTY_SAFETY_STATE.enforced, breaker } })

const ROWS: readonly [string, Breaker, BreakerStanding][] = [
  ['closed', { state: 'closed' }, { state: 'closed' }],
  ['open, before its time', { state: 'open', untilMs: NOW + 30_000, openMs: 60_000 }, { state: 'open', until: iso(NOW + 30_000) }],
  ['open, its time over', { state: 'open', untilMs: NOW, openMs: 60_000 }, { state: 'half-open', trial: 'awaited' }],
  ['half-open, the trial new', { state: 'half-open', trialSinceMs: NOW - 1_000, openMs: 60_000 }, { state: 'half-open', trial: 'under-way', since: iso(NOW - 1_000), nextAt: iso(NOW - 1_000 + SETTINGS.breaker.trialMs) }],
  ['half-open, the trial without an outcome', { state: 'half-open', trialSinceMs: NOW - SETTINGS.breaker.trialMs, openMs: 60_000 }, { state: 'half-open', trial: 'awaited' }],
]
for (const [name, breaker, told] of ROWS) {
  t.test(`the circuit is told as it admits: ${name}`, (t) => {
    t.strictSame(standingOf(withBreaker(breaker), SETTINGS, NOW).enforced.breaker, told)
    t.end()
  })
}

t.test('an action counts for its rule, its victim and its source, for a minute', (t) => {
  const acts = [['a', '10.0.0.1', '10.0.1.1'], ['a', '10.0.0.2', '10.0.1.1'], ['b', '10.0.0.3', '*']] as const
  const ledger = acts.reduce((before, [rule, source, target]) => withAction(before, { rule, source, target }, SETTINGS, NOW), EMPTY_SAFETY_STATE.enforced)
  const state: SafetyState = { ...EMPTY_SAFETY_STATE, enforced: ledger }
  const { enforced, simulated } = standingOf(state, SETTINGS, NOW + 59_999)
  t.strictSame(enforced.actions, { used: 3, most: SETTINGS.actionsPerMinute })
  t.strictSame(enforced.rules, { most: SETTINGS.budgets.rule, listed: [{ name: 'a', used: 2 }, { name: 'b', used: 1 }] })
  t.strictSame(enforced.victims.listed, [{ name: '10.0.1.1', used: 2 }], 'what stands for many is nobody\'s budget')
  t.strictSame(enforced.sources.listed.map(({ name }) => name), ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
  t.equal(simulated.actions.used, 0)
  t.equal(standingOf(state, SETTINGS, NOW + 60_000).enforced.actions.used, 0)
  t.end()
})

t.test('what was undone is counted until it opens the circuit', (t) => {
  let state: SafetyState = EMPTY_SAFETY_STATE
  const regrets = (): readonly [number, string] => {
    const { enforced } = standingOf(state, SETTINGS, NOW)
    return [enforced.regrets.counted, enforced.breaker.state]
  }
  for (const expected of [[1, 'closed'], [2, 'closed'], [0, 'open']] as const) {
    state = recordOutcome(state, 'undone', SETTINGS, NOW)
    t.strictSame(regrets(), expected)
  }
  t.end()
})
