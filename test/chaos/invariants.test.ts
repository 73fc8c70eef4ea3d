import t from 'tap'
import type { AuditEntry } from '../../src/ports/audit.ts'
import type { Diary } from './diary.ts'
import { violationsOf, type Invariant } from './invariants.ts'
import { decided, lease, made, probe, START_MS, told, trail, wellDone, write } from './made-diary.ts'

/** The leader's trail with entries put at its end, or without some. */
const retold = (diary: Diary, change: (entries: readonly AuditEntry[]) => readonly AuditEntry[]): Diary => ({
  ...diary, trails: diary.trails.map((each) => ({ ...each, entries: each.leads ? change(each.entries) : [] })),
})
const more = (diary: Diary, ...entries: readonly Partial<AuditEntry>[]): Diary => retold(diary, (before) => trail(...before, ...entries))
const without = (diary: Diary, action: string): Diary => retold(diary, (entries) => entries.filter((entry) => entry.action !== action))
const atRest = (diary: Diary, left: Partial<Diary['rests'][number]>): Diary => ({ ...diary, rests: diary.rests.map((rest) => ({ ...rest, ...left })) })

t.test('a run in which all went well breaks nothing', async (t) => {
  t.strictSame(violationsOf(wellDone()), [])
})

/** One fault each, planted in a run in which all went well, and what must be said of it. */
const PLANTED: readonly (readonly [string, Invariant, RegExp, (diary: Diary) => Diary])[] = [
  ['a broken chain', 'one chain', /trail of controller-0 is broken/, (diary) => ({ ...diary, trails: diary.trails.map((each) => ({ ...each, fault: each.leads ? null : 'entry 3: it was changed' })) })],
  ['a follower with another past', 'one chain', /entry 2 of controller-0 .* is not that of the leader/, (diary) => ({ ...diary, trails: diary.trails.map((each) => each.leads ? each : { ...each, entries: each.entries.map((entry) => entry.sequence === 2 ? { ...entry, hash: 'other' } : entry) }) })],
  ['nobody who leads', 'one chain', /nobody leads/, (diary) => ({ ...diary, writes: [], orders: [], trails: diary.trails.map((each) => ({ ...each, leads: false })) })],
  ['an order that is not in the trail', 'nothing forgotten', /order-0 was acknowledged and is not in the trail/, (diary) => without(diary, 'exception.added')],
  ['an order that left no object', 'nothing forgotten', /order-0 .* not in the API server/, (diary) => ({ ...diary, exceptions: [] })],
  ['a decision that is told twice', 'nothing twice', /decision one is in the trail 2 times/, (diary) => more(diary, decided('one', 'm-1'))],
  ['a mitigation that begins twice', 'nothing twice', /m-1 began 2 times/, (diary) => more(diary, told('mitigation.applied', 'm-1'))],
  ['a mitigation that ends twice', 'nothing twice', /m-1 ended 2 times/, (diary) => more(diary, told('mitigation.reverted', 'm-1'))],
  ['two mitigations for one case at one time', 'nothing twice', /m-1 and m-3 are in force at one time/, (diary) => more({ ...diary, budgets: { ...diary.budgets, actionsPerMinute: 9, source: 9, target: 9, rule: 9 }, writes: [...diary.writes, write(14, made('m-3', 14), 'controller-1')] }, decided('three', 'm-3'), told('mitigation.applied', 'm-3'))],
  ['a mitigation that nobody decided', 'all told', /m-1 was stored and no decision/, (diary) => retold(diary, (entries) => entries.filter(({ detail }) => detail['decision'] !== 'one'))],
  ['a beginning that is not told', 'all told', /m-1 .*does not say that it began/, (diary) => retold(diary, (entries) => entries.filter(({ action, object }) => action !== 'mitigation.applied' || object !== 'mitigation/m-1'))],
  ['an end that is not told', 'all told', /m-[12] ended \(expired\)/, (diary) => without(diary, 'mitigation.expired')],
  ['an end of what goes on', 'all told', /m-2 ended by the trail and is active/, (diary) => ({ ...diary, writes: diary.writes.slice(0, -1) })],
  ['a decision whose mitigation was lost', 'all told', /m-9 is in the trail and was never stored/, (diary) => more(diary, decided('nine', 'm-9'))],
  ['more actions than a minute may have', 'within budget', /m-2 is more than 1 in a minute in all/, (diary) => ({ ...diary, budgets: { ...diary.budgets, actionsPerMinute: 1 } })],
  ['more actions on a source than a minute may have', 'within budget', /m-2 is more than 1 in a minute of source mallory/, (diary) => ({ ...diary, budgets: { ...diary.budgets, source: 1 } })],
  ['an act of who does not lead', 'one leader', /controller-0 wrote patch mitigations\/m-2 .* without the lease/, (diary) => ({ ...diary, writes: diary.writes.toSpliced(-1, 0, write(25, made('m-2', 20), 'controller-0')) })],
  ['a term of two leaders', 'one leader', /term 1 was led by controller\/controller-1_x and controller\/controller-0_x/, (diary) => more(diary, { action: 'leadership.taken', object: 'controller/controller-0_x', detail: { term: 1 } })],
  ['a term that comes back', 'one leader', /term 0 .* came after term 1/, (diary) => more(diary, { action: 'leadership.taken', object: 'controller/controller-0_x', detail: { term: 0 } })],
  ['a restriction that never ends', 'nothing left', /mitigation m-2 is still active/, (diary) => atRest(diary, { mitigations: [made('m-2', 20)] })],
  ['an object that was never finished', 'nothing left', /m-7 never got a status/, (diary) => atRest(diary, { unfinished: ['m-7'] })],
  ['a policy that is left', 'nothing left', /NetworkPolicy shop\/p of m-1 is still there/, (diary) => atRest(diary, { policies: [{ key: 'shop/p', mitigation: 'm-1' }] })],
  ['a label that is left', 'nothing left', /pod mallory still carries our label/, (diary) => atRest(diary, { marked: ['mallory'] })],
  ['a way that stays closed', 'nothing left', /mallory > cart is still refused/, (diary) => atRest(diary, { refused: ['mallory > cart'] })],
  ['an attack that nobody answers', 'none lost', /attack of eve was not answered/, (diary) => atRest(diary, { unanswered: ['eve'] })],
  ['a way through a denial', 'denied is denied', /mallory was served by cart at .*, in spite of m-1/, (diary) => ({ ...diary, probes: [...diary.probes, probe(8, 'mallory', 'served')] })],
  ['an innocent who is cut off', 'no harm', /friend > cart failed for 4010 ms/, (diary) => ({ ...diary, probes: diary.probes.map((each) => each.source === 'friend' && each.fromMs === START_MS + 9_000 ? { ...each, got: 'refused' } : each) })],
  ['policies that let the denied pass', 'policies cut right', /policies of m-1 let a > b pass/, (diary) => ({ ...diary, judged: [{ atMs: START_MS, mitigation: 'm-1', open: ['a > b'], cut: [] }] })],
  ['policies that cut the innocent', 'policies cut right', /policies of m-1 cut friend > cart/, (diary) => ({ ...diary, judged: [{ atMs: START_MS, mitigation: 'm-1', open: [], cut: ['friend > cart'] }] })],
]

for (const [fault, invariant, words, plant] of PLANTED) {
  t.test(`${fault} is found`, async (t) => {
    t.match(violationsOf(plant(wellDone())).filter((violation) => violation.invariant === invariant).map(({ what }) => what).join('\n'), words)
  })
}

t.test('a denial is no promise while the proxy is dead, before it took it, or after its end', async (t) => {
  const diary = wellDone()
  const served = (second: number, more: Partial<Diary> = {}) => violationsOf({ ...diary, ...more, probes: [...diary.probes, probe(second, 'mallory', 'served')] })
  t.strictSame(served(8, { downtimes: [{ victim: 'cart', fromMs: START_MS + 7_500, untilMs: START_MS + 8_500 }] }), [])
  t.strictSame(served(5.5), [])
  t.strictSame(served(15.2), [])
})

t.test('that nobody is served while the plain pod is not either is the machine\'s', async (t) => {
  const diary = wellDone()
  const failing = diary.probes.map((each) => each.source === 'friend' && each.fromMs === START_MS + 9_000 ? { ...each, got: 'refused' as const } : each)
  const plain = (got: 'served' | 'silence') => ({ ...probe(10, 'friend', got), victim: 'plain' })
  t.strictSame(violationsOf({ ...diary, probes: [...failing, plain('silence')] }), [])
  t.match(violationsOf({ ...diary, probes: [...failing, plain('served')] }), [{ invariant: 'no harm' }])
})

t.test('what a leader alone acknowledged may be lost where its successor says so, and only what came just before', async (t) => {
  const lost = (at: number, reason: string): Diary => retold(without(wellDone(), 'exception.added'), (entries) =>
    trail(...entries.map((entry) => entry.action === 'leadership.taken' && entry.detail['term'] === 1 ? { ...entry, at: new Date(START_MS + at * 1_000).toISOString(), reason } : entry)))
  t.strictSame(violationsOf(lost(12, 'LeaseTakenLate')), [])
  t.match(violationsOf(lost(12, 'LeaseTaken')), [{ invariant: 'nothing forgotten' }])
  t.match(violationsOf(lost(2, 'LeaseTakenLate')), [{ invariant: 'nothing forgotten' }], 'it was acknowledged after that')
})

t.test('a leader that comes back in its own term goes on in it', async (t) => {
  const diary = wellDone()
  t.strictSame(violationsOf(more({ ...diary, writes: [...diary.writes, lease(40, 'controller-1', 1)] }, { action: 'leadership.taken', object: 'controller/controller-1_x', detail: { term: 1 } })), [])
})
