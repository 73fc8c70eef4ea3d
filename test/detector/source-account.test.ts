import t from 'tap'
import { spiffeId } from '../../src/core/identity.ts'
import { QUALITY, type StepMs } from '../../src/core/window/window.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'
import { connected, POD, POD_ADDRESS, recent, stage, type Stage } from './stage.ts'

const [VICTIM, SERVICE] = ['10.0.0.9', '10.96.0.2']
const pair = (destination: string) => ({ kind: 'pair', source: POD_ADDRESS, destination }) as const
const question = { reporter: spiffeId(POD), source: POD_ADDRESS, destinations: [VICTIM, SERVICE], stepMs: 500, throughMs: 0 } as const
const clockAt = (number: number) => new Map<StepMs, number>([[500, number]])

/** A detector with an observer of one pod that has told of two windows, by both ways to the victim. */
async function told (t: Parameters<typeof stage>[0], limits: Parameters<Stage['start']>[0] = {}) {
  const { start, uplink, source } = await stage(t)
  const { address } = await start(limits)
  const observer = uplink(address)
  await observer.event(connected)
  const newest = recent(2)
  observer.uplink.push([
    { ...syntheticWindow({ key: pair(VICTIM), number: newest - 1, features: { flow_count: 3 } }), proved: 3 },
    { ...syntheticWindow({ key: pair(SERVICE), number: newest - 1, features: { flow_count: 4 } }), proved: 2 },
    { ...syntheticWindow({ key: pair(VICTIM), number: newest, features: { flow_count: 5 } }), proved: 0 },
    { ...syntheticWindow({ key: pair('10.0.0.44'), number: newest, features: { flow_count: 50 } }), proved: 50 },
  ], clockAt(newest))
  return { observer, newest, scores: source(address), address, source }
}

t.test('a controller learns what the observer of a source told of a pair, by every way to its other end', async (t) => {
  const { scores, newest, source, address } = await told(t)
  const account = await scores.sourceAccount({ ...question, throughMs: (newest + 1) * 500 })
  t.match(account, { source: 'packet', toldMs: (newest + 1) * 500, lostMs: 0, oldest: newest - 19 })
  t.strictSame(account?.windows, [{ number: newest - 1, flows: 7, proved: 5 }, { number: newest, flows: 5, proved: 0 }])
  t.ok((account?.sinceMs ?? 0) > 0)
  t.equal(await scores.sourceAccount({ ...question, reporter: spiffeId({ ...POD, uid: 'another' }) }), null, 'nobody is there')
  await t.rejects(source(address, POD).sourceAccount(question), { code: 'UNTRUSTED', message: /may not follow the scores/ })
  await t.rejects(scores.sourceAccount({ ...question, destinations: [] }), { code: 'BAD_DATA', message: /0 destinations came where 1 to 64/ })
})

t.test('an observer that has nothing to tell is asked how far it is, and its silence is an answer', async (t) => {
  const { observer, scores, newest } = await told(t, { limits: { accountWaitMs: 60_000 } })
  const asking = scores.sourceAccount({ ...question, destinations: ['10.0.0.55'], throughMs: (newest + 3) * 500 })
  const ticking = setInterval(() => observer.uplink.push([], clockAt(newest + 2)), 10)
  const account = await asking.finally(() => clearInterval(ticking))
  t.match(account, { toldMs: (newest + 3) * 500, windows: [], lostMs: 0 })
})

t.test('an observer that does not tell is waited for no longer than the bound', async (t) => {
  const { scores, newest } = await told(t, { limits: { accountWaitMs: 1 } })
  const account = await scores.sourceAccount({ ...question, throughMs: (newest + 3) * 500 })
  t.ok((account?.toldMs ?? 0) < (newest + 3) * 500)
})

t.test('what was lost at the observer stands in its account', async (t) => {
  const { observer, scores, newest } = await told(t)
  observer.uplink.push([{ ...syntheticWindow({ key: pair(VICTIM), number: newest + 1, features: { flow_count: 1 } }), quality: QUALITY.tablesFull }], clockAt(newest + 1))
  t.match(await scores.sourceAccount({ ...question, throughMs: (newest + 2) * 500 }), { lostMs: (newest + 2) * 500 })
  observer.uplink.count({ packets: 9, flows: 1, malformed: 0, dropped: 4 }, 0)
  observer.uplink.push([syntheticWindow({ key: pair(VICTIM), number: newest + 2, features: { flow_count: 1 } })], clockAt(newest + 2))
  const account = await scores.sourceAccount({ ...question, throughMs: (newest + 3) * 500 })
  t.ok((account?.lostMs ?? 0) > (newest + 2) * 500, 'now, for nobody knows when')
})

t.test('accounts are given so many times a second at most', async (t) => {
  const { scores } = await told(t, { limits: { maxAccountsPerSecond: 1 } })
  await t.rejects(Promise.all(Array.from({ length: 8 }, async () => scores.sourceAccount(question))), { message: /more than 1 times a second/ })
})
