import t from 'tap'
import { admits, afterAdmission, afterOutcome, opened, type Outcome } from '../../../src/core/safety/breaker.ts'
import { currentLedger, withRefusal } from '../../../src/core/safety/ledger.ts'
import { DEFAULT_SAFETY_SETTINGS } from '../../../src/core/safety/settings.ts'
import { EMPTY_SAFETY_STATE, parseSafetyState, type Breaker, type Ledger } from '../../../src/core/safety/state.ts'

const settings = { failures: 3, regrets: 2, regretWindowMs: 3_600_000, refusals: 2, windowMs: 60_000, openMs: 1000, maxOpenMs: 3000, trialMs: 500 }
const NOW_MS = 1_000_000
const ledgerWith = (breaker: Breaker, failures: number[] = [], regrets: number[] = []): Ledger => ({ ...EMPTY_SAFETY_STATE.enforced, breaker, failures, regrets })

t.test('it admits by its table', (t) => {
  const rows: [Breaker, 'pass' | 'trial' | 'refuse'][] = [
    [{ state: 'closed' }, 'pass'],
    [{ state: 'open', untilMs: NOW_MS + 1, openMs: 1000 }, 'refuse'],
    [{ state: 'open', untilMs: NOW_MS, openMs: 1000 }, 'trial'],
    [{ state: 'half-open', trialSinceMs: NOW_MS - 499, openMs: 1000 }, 'refuse'],
    [{ state: 'half-open', trialSinceMs: NOW_MS - 500, openMs: 1000 }, 'trial'],
  ]
  for (const [breaker, wanted] of rows) t.equal(admits(breaker, settings, NOW_MS), wanted, JSON.stringify(breaker))
  t.end()
})

t.test('an outcome changes it by its table', (t) => {
  const open: Breaker = { state: 'open', untilMs: NOW_MS + 1, openMs: 1000 }
  const halfOpen = (openMs: number): Breaker => ({ state: 'half-open', trialSinceMs: NOW_MS - 1, openMs })
  const rows: [Ledger, Outcome, Breaker][] = [
    [ledgerWith({ state: 'closed' }), 'succeeded', { state: 'closed' }],
    [ledgerWith({ state: 'closed' }, [NOW_MS - 1]), 'failed', { state: 'closed' }],
    [ledgerWith({ state: 'closed' }, [NOW_MS - 2, NOW_MS - 1]), 'failed', { state: 'open', untilMs: NOW_MS + 1000, openMs: 1000 }],
    [ledgerWith(halfOpen(1000)), 'succeeded', { state: 'closed' }],
    [ledgerWith(halfOpen(1000)), 'failed', { state: 'open', untilMs: NOW_MS + 2000, openMs: 2000 }],
    [ledgerWith(halfOpen(2000)), 'failed', { state: 'open', untilMs: NOW_MS + 3000, openMs: 3000 }],
    [ledgerWith(open), 'succeeded', open],
    [ledgerWith(open), 'failed', open],
    ...(['undone', 'harmful'] as const).flatMap((regret): [Ledger, Outcome, Breaker][] => [
      [ledgerWith({ state: 'closed' }), regret, { state: 'closed' }],
      [ledgerWith({ state: 'closed' }, [NOW_MS - 2, NOW_MS - 1]), regret, { state: 'closed' }],
      [ledgerWith({ state: 'closed' }, [], [NOW_MS - 1]), regret, { state: 'open', untilMs: NOW_MS + 1000, openMs: 1000 }],
      [ledgerWith(halfOpen(1000)), regret, { state: 'open', untilMs: NOW_MS + 2000, openMs: 2000 }],
      [ledgerWith(open), regret, open],
    ]),
  ]
  for (const [ledger, outcome, wanted] of rows) t.strictSame(afterOutcome(ledger, outcome, settings, NOW_MS).breaker, wanted, `${ledger.breaker.state} ${outcome}`)
  t.end()
})

t.test('what was regretted is remembered while it is open, for longer than a failure, and through a success', (t) => {
  const open: Breaker = { state: 'open', untilMs: NOW_MS + 1, openMs: 1000 }
  const set = { ...DEFAULT_SAFETY_SETTINGS, breaker: settings }
  const regretted = afterOutcome(ledgerWith(open), 'undone', settings, NOW_MS)
  t.strictSame(regretted.regrets, [NOW_MS])
  t.strictSame(afterOutcome({ ...regretted, breaker: { state: 'half-open', trialSinceMs: NOW_MS, openMs: 1000 } }, 'succeeded', settings, NOW_MS).regrets, [NOW_MS])
  t.strictSame(currentLedger(regretted, set, NOW_MS + 3_599_999).regrets, [NOW_MS])
  t.strictSame(currentLedger(regretted, set, NOW_MS + 3_600_000).regrets, [])
  t.end()
})

t.test('a state that was kept before regrets were is understood, with the kill switch in it', (t) => {
  const halt = { by: 'ada', reason: 'wrong', at: '2026-01-01T00:00:00.000Z' }
  const { regrets: _, ...older } = EMPTY_SAFETY_STATE.enforced
  t.strictSame(parseSafetyState({ enforced: older, simulated: older, halt }), { ...EMPTY_SAFETY_STATE, halt })
  t.equal(parseSafetyState({ enforced: older }), null)
  t.end()
})

t.test('a trial waits for its outcome, and an action while it is closed changes nothing', (t) => {
  t.strictSame(afterAdmission({ state: 'open', untilMs: NOW_MS, openMs: 7 }, settings, NOW_MS), { state: 'half-open', trialSinceMs: NOW_MS, openMs: 7 })
  t.strictSame(afterAdmission({ state: 'closed' }, settings, NOW_MS), { state: 'closed' })
  t.strictSame(opened(settings, NOW_MS), { state: 'open', untilMs: NOW_MS + 1000, openMs: 1000 })
  t.end()
})

t.test('one case that asks again and again is not a burst; different cases are', (t) => {
  const set = { ...DEFAULT_SAFETY_SETTINGS, breaker: settings }
  let ledger: Ledger = EMPTY_SAFETY_STATE.enforced
  for (let index = 0; index < 10; index++) ledger = withRefusal(ledger, 'one', set, NOW_MS + index)
  t.equal(ledger.breaker.state, 'closed')
  t.equal(withRefusal(ledger, 'two', set, NOW_MS).breaker.state, 'open')
  t.end()
})
