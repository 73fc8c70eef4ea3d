import t from 'tap'
import { compareEnds, isToAsk, silenceKnownMs, type SourceAccount } from '../../../src/core/verdict/source-account.ts'
import { madeScore, T0 } from './made-score.ts'

const SCORE = madeScore({ PORT_SCAN: 0.99 }, { run: 3, endMs: T0 + 20_000, features: { flow_count: 10 } })
const { windowNumber: NEWEST } = SCORE
const SPAN_MS = (NEWEST - 19) * 500

/** An observer that has heard all, and saw its pod begin so many flows in each window of the score's attack. */
const account = (proved: number, change: Partial<SourceAccount> = {}): SourceAccount => ({
  source: 'packet',
  sinceMs: 0,
  toldMs: silenceKnownMs(SCORE),
  lostMs: 0,
  oldest: NEWEST - 19,
  windows: proved === 0 ? [] : [3, 2, 1, 0].map((ago) => ({ number: NEWEST - ago, flows: proved, proved })),
  ...change,
})

t.test('the other end is asked where only the victim proves the source, each row of the table', (t) => {
  const pair = { kind: 'pair', source: { address: '10.0.0.7', uid: 'u7' }, simulated: false } as const
  const evidence = { completedHandshake: true, confirmedByOwnObserver: false, standsForMany: false }
  t.equal(isToAsk(pair, evidence), true)
  t.equal(isToAsk(pair, { ...evidence, standsForMany: true }), false)
  t.equal(isToAsk(pair, { ...evidence, confirmedByOwnObserver: true }), false)
  t.equal(isToAsk(pair, { ...evidence, completedHandshake: false }), false)
  t.equal(isToAsk({ ...pair, simulated: true }, evidence), false)
  t.equal(isToAsk({ ...pair, source: { address: '10.0.0.7' } }, evidence), false)
  t.equal(isToAsk({ ...pair, kind: 'fan-in', source: null }, evidence), false)
  t.end()
})

t.test('both ends are compared by the table', (t) => {
  const rows: [string, SourceAccount | null, ReturnType<typeof compareEnds>][] = [
    ['nobody is there', null, 'no-observer'],
    ['it saw as much', account(10), 'agrees'],
    ['it saw as much, and has not told all', account(10, { toldMs: 0 }), 'agrees'],
    ['it saw as much, of sockets', account(10, { source: 'sockdiag' }), 'agrees'],
    ['three of four', account(7.5), 'agrees'],
    ['less than that', account(7), 'saw-less'],
    ['nothing', account(0), 'saw-nothing'],
    ['only what was answered to it', account(0, { windows: [{ number: NEWEST, flows: 40, proved: 0 }] }), 'saw-nothing'],
    ['nothing, by eBPF', account(0, { source: 'ebpf' }), 'saw-nothing'],
    ['nothing, and the window after is still open', account(0, { toldMs: silenceKnownMs(SCORE) - 1 }), 'not-yet'],
    ['nothing, of sockets, which miss the short ones', account(0, { source: 'sockdiag' }), 'cannot-tell'],
    ['nothing, by a proxy\'s log', account(0, { source: 'als' }), 'cannot-tell'],
    ['nothing, and something was lost meanwhile', account(0, { lostMs: SPAN_MS + 1 }), 'cannot-tell'],
    ['nothing, and something was lost before', account(0, { lostMs: SPAN_MS }), 'saw-nothing'],
    ['it came in the middle of the attack', account(0, { sinceMs: (NEWEST - 1) * 500 - 2_000 + 1 }), 'cannot-tell'],
    ['it came just before', account(0, { sinceMs: (NEWEST - 3) * 500 - 2_000 }), 'saw-nothing'],
    ['most of it is not held any more', account(0, { oldest: NEWEST - 0 }), 'cannot-tell'],
    ['its clock is a little ahead', account(0, { windows: [2, 1, 0, -1].map((ago) => ({ number: NEWEST - ago, flows: 10, proved: 10 })) }), 'agrees'],
    ['what it saw long after', account(0, { windows: [{ number: NEWEST + 2, flows: 40, proved: 40 }] }), 'saw-nothing'],
  ]
  for (const [name, told, wanted] of rows) t.equal(compareEnds(SCORE, told), wanted, name)
  t.equal(compareEnds(madeScore({ PORT_SCAN: 0.99 }, { features: { flow_count: 0 } }), account(0)), 'cannot-tell', 'a score of no flow')
  t.end()
})
