import t, { type Test } from 'tap'
import type { SourceAccount } from '../../src/core/verdict/source-account.ts'
import type { SourceQuestion } from '../../src/ports/scores.ts'
import { ATTACKER, madeScore } from '../core/verdict/made-score.ts'
import { Bench } from './bench.ts'

/** What the victim's observer tells, with answers that prove the source. */
const scan = (bench: Bench, more: Parameters<typeof madeScore>[1] = {}) => madeScore({ PORT_SCAN: 0.97 }, { endMs: bench.nowMs, features: { flow_count: 40, bytes_received: 900 }, counters: { tcp_packets: 80 }, ...more })

/** A loop whose questions wait until the test answers them. */
async function asked (t: Test) {
  const questions: SourceQuestion[] = []
  let answer = Promise.withResolvers<SourceAccount | null>()
  const sourceAccount = async (question: SourceQuestion): Promise<SourceAccount | null> => {
    questions.push(question)
    return answer.promise
  }
  const bench = await Bench.start(t.testdir(), { wrap: () => ({ accounts: { sourceAccount } }) })
  const account = (proved: number): SourceAccount => {
    const number = Math.floor(bench.nowMs / 500) - 1
    return { source: 'packet', sinceMs: 0, toldMs: bench.nowMs + 10_000, lostMs: 0, oldest: number - 19, windows: proved === 0 ? [] : [{ number, flows: proved, proved }] }
  }
  return { bench, questions, account, answer: (told: SourceAccount | null) => { answer.resolve(told) }, fail: () => { answer.reject(new Error('away')) }, anew: () => { answer = Promise.withResolvers() } }
}
const decided = (bench: Bench): string[] => bench.store.decisions.list().map(({ verdict, reason }) => `${verdict} ${reason}`)

t.test('a source whose own observer saw nothing of it is not restricted, and everybody is told why', async (t) => {
  const { bench: started, questions, account, answer } = await asked(t)
  await using bench = started
  await bench.scores.push(scan(bench))
  await bench.until(() => questions.length === 1)
  t.match(questions, [{ reporter: ATTACKER, source: '10.0.0.7', destinations: ['10.0.0.9'], stepMs: 500 }])
  t.strictSame(decided(bench), [], 'nothing is decided before')
  bench.nowMs += 500
  await bench.scores.push(scan(bench))
  t.equal(questions.length, 1, 'it is asked once')
  answer(account(0))
  await bench.until(() => decided(bench).length > 0)
  t.match(bench.store.decisions.list(), [{ verdict: 'alert', reason: 'WitnessesDisagree', mitigation: null, message: /did not see its pod send this/ }])
  t.strictSame(bench.store.mitigations.list(), [])
  const [detection] = bench.store.detections.list()
  t.equal(detection?.witnesses.find(({ reporter }) => reporter === ATTACKER)?.agrees, false)
  await bench.until(() => bench.trail().includes('decision.alert detection WitnessesDisagree'))
  t.ok(bench.metrics.counted.includes('compared saw-nothing'))
  for (let more = 0; more < 20; more++) {
    bench.nowMs += 500
    await bench.scores.push(scan(bench))
  }
  t.equal(questions.length, 1, 'the answer holds for the whole attack')
  t.strictSame(decided(bench), ['alert WitnessesDisagree'])
})

t.test('the answer that both saw the same, that nobody is there, or none at all, leaves the decision as it is', async (t) => {
  for (const [wanted, give] of [['agrees', 'account'], ['no-observer', 'nobody'], ['cannot-tell', 'fail']] as const) {
    const { bench: started, questions, account, answer, fail } = await asked(t)
    await using bench = started
    await bench.scores.push(scan(bench))
    await bench.until(() => questions.length === 1)
    if (give === 'fail') fail()
    else answer(give === 'account' ? account(40) : null)
    await bench.until(() => decided(bench).length > 0)
    t.strictSame([decided(bench), bench.metrics.counted.filter((line) => line.startsWith('compared'))], [['mitigate RuleMatched'], [`compared ${wanted}`]])
  }
})

t.test('where the source\'s observer tells of the attack itself nobody is asked', async (t) => {
  const { bench: started, questions } = await asked(t)
  await using bench = started
  await bench.scores.push(scan(bench, { reporter: ATTACKER }))
  t.strictSame(decided(bench), ['mitigate RuleMatched'])
  await bench.scores.push(scan(bench))
  t.strictSame(questions, [])
})

t.test('what its own observer tells meanwhile is decided on at once', async (t) => {
  const { bench: started, questions, account, answer } = await asked(t)
  await using bench = started
  await bench.scores.push(scan(bench))
  await bench.until(() => questions.length === 1)
  bench.nowMs += 500
  await bench.scores.push(scan(bench, { reporter: ATTACKER }))
  t.strictSame(decided(bench), ['mitigate RuleMatched'], 'the question holds nobody up')
  answer(account(40))
  await bench.until(() => bench.metrics.counted.includes('compared agrees'))
  t.strictSame(decided(bench), ['mitigate RuleMatched'])
})

t.test('where it could not tell it is asked again while the attack goes on, and no sooner than after five seconds', async (t) => {
  const { bench: started, questions, account, answer, anew } = await asked(t)
  await using bench = started
  await bench.scores.push(scan(bench))
  await bench.until(() => questions.length === 1)
  answer(null)
  await bench.until(() => decided(bench).length > 0)
  anew()
  for (let more = 0; more < 9; more++) {
    bench.nowMs += 500
    await bench.scores.push(scan(bench))
  }
  t.equal(questions.length, 1)
  bench.nowMs += 500
  await bench.scores.push(scan(bench))
  await bench.until(() => questions.length === 2)
  t.match(bench.store.mitigations.list(), [{ status: { phase: 'active' } }])
  answer(account(0))
  await bench.until(() => bench.trail().includes('mitigation.reverted mitigation WitnessesDisagree'))
  t.match(bench.store.mitigations.list(), [{ status: { phase: 'reverted' } }], 'what was restricted meanwhile is let go')
})
