import fc from 'fast-check'
import { Value } from 'typebox/value'
import t from 'tap'
import { conditionOf, setCondition } from '../../../src/core/mitigation/conditions.ts'
import { createMitigation, endOf, expire, isAwaited, observeAttempts, revert, withTargets, type Birth } from '../../../src/core/mitigation/lifecycle.ts'
import { CONDITION_TYPES, Mitigation, type MitigationSpec } from '../../../src/core/mitigation/mitigation.ts'
import type { Means } from '../../../src/core/mitigation/open-connections.ts'
import { ANSWER_DEADLINE_MS, type ProxyAnswer } from '../../../src/core/mitigation/proxy-answer.ts'

/** Where no NetworkPolicy carries anything. */
const withProxies = (mitigation: Mitigation, answers: readonly ProxyAnswer[], nowMs: number): Mitigation => withTargets(mitigation, answers, null, nowMs)

const NOW_MS = Date.parse('2026-06-01T12:00:00Z')
const at = (afterMs: number): string => new Date(NOW_MS + afterMs).toISOString()

const spec = (overrides: Partial<MitigationSpec> = {}): MitigationSpec => ({
  owner: { policy: 'p.yaml', rule: 'r', hash: 'h' },
  detection: 'd-1',
  subject: { uid: 'bad', addresses: ['10.0.0.1'] },
  victims: [{ uid: 'db', addresses: ['10.0.0.3'] }],
  direction: 'egress',
  ports: 'any',
  action: 'deny',
  mode: 'enforce',
  expiresAt: at(600_000),
  reason: 'a scan',
  ...overrides,
})

const birth = (plan: Partial<Birth['plan']> = {}): Birth => ({
  name: 'm-1', uid: 'u-1', plan: { undo: 'Lifts it.', targets: ['networkpolicy/shop/np'], reason: 'RuleMatched', message: 'Denies it.', ...plan },
})

const born = (change: Partial<MitigationSpec> = {}, plan: Partial<Birth['plan']> = {}): Mitigation => createMitigation(spec(change), birth(plan), NOW_MS)

const answer = (podUid: string, overrides: Partial<ProxyAnswer> = {}): ProxyAnswer => ({ podUid, connected: true, version: '7', state: 'in-sync', message: '', mitigations: ['m-1'], refused: [], taken: [], shortfalls: [], openConnections: {}, ...overrides })

/** `status reason` of each condition, in order. */
const conditions = (mitigation: Mitigation): readonly string[] => CONDITION_TYPES.map((type) => {
  const condition = conditionOf(mitigation, type)
  return `${condition?.status ?? '-'} ${condition?.reason ?? '-'}`
})

t.test('a new mitigation is stored, waits for its targets, and says whether it can work at all', (t) => {
  const table: [string, Mitigation, readonly string[]][] = [
    ['enforced', born(), ['True Stored', 'False Pending', 'Unknown NoAttemptSeen', 'False Pending']],
    ['simulated', born({ mode: 'shadow' }), ['True Stored', 'False Simulated', 'False Simulated', 'False Simulated']],
    ['beyond our means', born({}, { reason: 'CannotEnforce' }), ['True Stored', 'False Pending', 'Unknown NoAttemptSeen', 'True CannotEnforce']],
    ['simulated and beyond our means', born({ mode: 'shadow' }, { reason: 'CannotEnforce' }), ['True Stored', 'False Simulated', 'False Simulated', 'True CannotEnforce']],
  ]
  for (const [name, mitigation, wanted] of table) {
    t.strictSame(conditions(mitigation), wanted, name)
    t.equal(Value.Check(Mitigation, mitigation), true, `${name}: it fits its schema`)
  }
  t.match(born(), { metadata: { name: 'm-1', uid: 'u-1', generation: 1, creationTimestamp: at(0) }, status: { phase: 'active', simulated: false, undo: 'Lifts it.', targets: [{ target: 'networkpolicy/shop/np', state: 'simulated' }] } })
  t.end()
})

t.test('what the proxies answer becomes its conditions by the table', (t) => {
  const rejected = answer('db', { state: 'rejected', message: 'duplicate filter chain' })
  const table: [string, Mitigation, readonly ProxyAnswer[], readonly string[], string][] = [
    ['no proxy', born(), [], ['False NoTargets', 'Unknown NoAttemptSeen', 'False Pending'], ''],
    ['a proxy of somebody else', born(), [answer('x', { mitigations: ['m-2'] })], ['False NoTargets', 'Unknown NoAttemptSeen', 'False Pending'], ''],
    ['the victim\'s proxy has yet to get it', born(), [answer('db', { mitigations: [] })], ['False Pending', 'Unknown NoAttemptSeen', 'False Pending'], 'proxy/db pending'],
    ['not answered', born(), [answer('db', { state: 'pending' })], ['False Pending', 'Unknown NoAttemptSeen', 'False Pending'], 'proxy/db pending'],
    ['not connected', born(), [answer('db', { connected: false })], ['False Pending', 'Unknown NoAttemptSeen', 'False Pending'], 'proxy/db pending'],
    ['taken', born(), [answer('db')], ['True Acknowledged', 'Unknown NoAttemptSeen', 'False Pending'], 'proxy/db programmed'],
    ['taken by one of two', born(), [answer('db'), answer('a', { state: 'pending' })], ['False Pending', 'Unknown NoAttemptSeen', 'False Pending'], 'proxy/a pending, proxy/db programmed'],
    ['refused', born(), [rejected], ['False Rejected', 'Unknown NoAttemptSeen', 'True Rejected'], 'proxy/db rejected'],
    ['refused and taken out again', born(), [answer('db', { mitigations: ['m-2'], refused: [{ mitigation: 'm-1', message: 'too much' }] })], ['False Rejected', 'Unknown NoAttemptSeen', 'True Rejected'], 'proxy/db rejected'],
    ['another was refused', born(), [answer('db', { refused: [{ mitigation: 'm-2', message: 'too much' }] })], ['True Acknowledged', 'Unknown NoAttemptSeen', 'False Pending'], 'proxy/db programmed'],
    ['refused by one of two', born(), [rejected, answer('a')], ['False Rejected', 'Unknown NoAttemptSeen', 'True Rejected'], 'proxy/a programmed, proxy/db rejected'],
    ['simulated, no proxy', born({ mode: 'shadow' }), [], ['False Simulated', 'False Simulated', 'False Simulated'], ''],
    ['simulated, taken', born({ mode: 'shadow' }), [answer('db')], ['False Simulated', 'False Simulated', 'False Simulated'], 'proxy/db simulated'],
    ['simulated, refused', born({ mode: 'shadow' }), [rejected], ['False Rejected', 'False Simulated', 'True Rejected'], 'proxy/db rejected'],
    ['taken, and something else is on its way', born(), [answer('db', { state: 'pending', taken: ['m-1'] })], ['True Acknowledged', 'Unknown NoAttemptSeen', 'False Pending'], 'proxy/db programmed'],
    ['taken, and something else is refused', born(), [answer('db', { state: 'rejected', message: 'no', taken: ['m-1'] })], ['True Acknowledged', 'Unknown NoAttemptSeen', 'False Pending'], 'proxy/db programmed'],
    ['taken, and not heard any more', born(), [answer('db', { connected: false, taken: ['m-1'] })], ['False Pending', 'Unknown NoAttemptSeen', 'False Pending'], 'proxy/db pending'],
    ['cannot be carried', born(), [answer('db', { mitigations: [], shortfalls: [{ mitigation: 'm-1', message: 'no HTTP' }] })], ['False NoTargets', 'Unknown NoAttemptSeen', 'True CannotEnforce'], 'proxy/db unable'],
    ['can be carried in part', born(), [answer('db', { shortfalls: [{ mitigation: 'm-1', message: 'on 8080 alone' }] })], ['True Acknowledged', 'Unknown NoAttemptSeen', 'True CannotEnforce'], 'proxy/db programmed'],
    ['cannot be carried by one of two', born(), [answer('a'), answer('db', { mitigations: [], shortfalls: [{ mitigation: 'm-1', message: 'no HTTP' }] })], ['True Acknowledged', 'Unknown NoAttemptSeen', 'True CannotEnforce'], 'proxy/a programmed, proxy/db unable'],
    ['any source: no proxy can carry it', born({ subject: 'anySource' }, { reason: 'CannotEnforce' }), [answer('db', { mitigations: [] })], ['False NoTargets', 'Unknown NoAttemptSeen', 'True CannotEnforce'], ''],
  ]
  for (const [name, mitigation, statuses, wanted, targets] of table) {
    const after = withProxies(mitigation, statuses, NOW_MS + 5)
    t.strictSame(conditions(after).slice(1), wanted, name)
    t.equal(after.status.targets.filter(({ target }) => target.startsWith('proxy/')).map(({ target, state }) => `${target} ${state}`).join(', '), targets, name)
    t.equal(after.status.targets.at(-1)?.target, 'networkpolicy/shop/np', 'the planned policy stays listed')
    t.equal(withProxies(after, [...statuses].reverse(), NOW_MS + 9), after, `${name}: the same answers change nothing`)
    t.equal(Value.Check(Mitigation, after), true)
  }
  t.match(conditionOf(withProxies(born(), [rejected], NOW_MS), 'Degraded')?.message, 'proxy/db: duplicate filter chain')
  t.end()
})

t.test('a proxy that does not answer is named after its deadline, by the table, and no more when it does', (t) => {
  const silent = answer('db', { state: 'pending' })
  const away = answer('db', { connected: false })
  const late = ANSWER_DEADLINE_MS
  const named = born({ victims: [{ uid: 'db', addresses: ['10.0.0.3'], namespace: 'shop', name: 'db-0' }, { uid: 'a', addresses: ['10.0.0.4'] }] })
  const table: [string, Mitigation, readonly ProxyAnswer[], readonly ProxyAnswer[], number, string, RegExp][] = [
    ['silent, in time', named, [silent], [silent], late - 1, 'False Pending', /No target has refused/],
    ['silent', named, [silent], [silent], late, 'True ProxySilent', /^proxy\/shop\/db-0 has not answered since 2026-06-01T12:00:00\.000Z$/],
    ['has yet to be sent it', named, [answer('db', { mitigations: [] })], [answer('db', { mitigations: [] })], late, 'True ProxySilent', /shop\/db-0/],
    ['away', named, [away], [away], late, 'True ProxyAway', /^proxy\/shop\/db-0 is not connected, waited for since 2026-06-01T12:00:00\.000Z$/],
    ['one away, one silent', named, [answer('a', { state: 'pending' }), away], [answer('a', { state: 'pending' }), away], late, 'True ProxySilent', /^proxy\/a has not answered since .*; proxy\/shop\/db-0 is not connected/],
    ['comes and goes', named, [silent], [away], late, 'True ProxyAway', /db-0/],
    ['one silent, one refuses', named, [answer('a', { state: 'pending' }), answer('db', { state: 'rejected', message: 'no' })], [answer('a', { state: 'pending' }), answer('db', { state: 'rejected', message: 'no' })], late, 'True Rejected', /^proxy\/shop\/db-0: no$/],
    ['answers late', named, [silent], [answer('db')], late, 'False Pending', /No target has refused/],
    ['gone with its pod', named, [silent], [], late, 'False Pending', /No target has refused/],
    ['new since', named, [answer('a')], [answer('a'), silent], late, 'False Pending', /No target has refused/],
    ['lost after it had taken it, just now', named, [answer('db')], [away], late, 'False Pending', /No target has refused/],
    ['simulated, silent', born({ mode: 'shadow' }), [silent], [silent], late, 'True ProxySilent', /proxy\/db/],
  ]
  for (const [name, mitigation, first, second, afterMs, wanted, message] of table) {
    const after = withProxies(withProxies(mitigation, first, NOW_MS), second, NOW_MS + afterMs)
    t.equal(conditions(after)[3], wanted, name)
    t.match(conditionOf(after, 'Degraded')?.message, message, name)
    t.equal(revert(after, { actor: 'ada', reason: 'Reverted', why: '' }, NOW_MS + afterMs).outcome, 'ended', `${name}: an undo waits for no proxy`)
    if (!wanted.startsWith('True Proxy')) continue
    t.equal(conditions(after)[1], mitigation.status.simulated ? 'False Simulated' : 'False Pending', `${name}: not programmed`)
    t.equal(withProxies(after, second, NOW_MS + afterMs + 5_000), after, `${name}: told once`)
  }
  t.equal(isAwaited(withProxies(named, [silent], NOW_MS)), true)
  t.equal(isAwaited(withProxies(named, [answer('db')], NOW_MS)), false)
  t.equal(isAwaited(named), false, 'a policy object is not waited for')
  t.end()
})

t.test('what becomes of open connections is told as it was when the proxy took it', (t) => {
  const means = (...of: Means[]) => ({ openConnections: { 'm-1': of.map((each) => ({ means: each })) } })
  const opened = (mitigation: Mitigation) => mitigation.status.targets[0]?.openConnections?.map((each) => each.means)
  const waits = withProxies(born(), [answer('db', { state: 'pending', ...means('chain') })], NOW_MS)
  t.equal(opened(waits), undefined, 'nothing is said before')
  const took = withProxies(waits, [answer('db', means('chain'))], NOW_MS)
  t.strictSame(opened(took), ['chain'])
  t.strictSame(opened(withProxies(took, [answer('db', means('none'))], NOW_MS)), ['chain'], 'the watch before it has ended since')
  t.equal(opened(withProxies(born({ mode: 'shadow' }), [answer('db', means('chain'))], NOW_MS)), undefined, 'shadow cuts nothing')
  t.equal(Value.Check(Mitigation, took), true)
  t.end()
})

t.test('a refusal that is mended leaves what the plan said', (t) => {
  const refused = [answer('db', { state: 'rejected', message: 'no' })]
  for (const [plan, wanted] of [['RuleMatched', 'False Pending'], ['CannotEnforce', 'True CannotEnforce']] as const) {
    const mended = withProxies(withProxies(born({}, { reason: plan }), refused, NOW_MS), [answer('db')], NOW_MS)
    t.equal(conditions(mended)[3], wanted)
  }
  t.end()
})

t.test('Enforcing is what was seen after it was programmed, by the table', (t) => {
  const programmed = withProxies(born(), [answer('db')], NOW_MS + 1000)
  const storedAnd = (settleMs: number) => withTargets(born({ policies: ['egress'] }), [], { targets: [{ target: 'networkpolicy/shop/p', state: 'programmed', version: '', message: '' }], settleMs, trouble: null }, NOW_MS + 1000)
  const [stored, labelled] = [storedAnd(5_000), storedAnd(40_000)]
  t.strictSame([stored.status.settleSeconds, labelled.status.settleSeconds], [undefined, 40])
  t.equal(Value.Check(Mitigation, labelled), true)
  const proved = observeAttempts(programmed, { attempts: 3, through: 0, sinceMs: NOW_MS + 1000 }, NOW_MS + 2000)
  const table: [string, Mitigation, { attempts: number, through: number, sinceMs: number }, string][] = [
    ['not programmed', born(), { attempts: 5, through: 5, sinceMs: NOW_MS }, 'Unknown NoAttemptSeen'],
    ['seen before it was programmed', programmed, { attempts: 5, through: 5, sinceMs: NOW_MS + 999 }, 'Unknown NoAttemptSeen'],
    ['nothing seen', programmed, { attempts: 0, through: 0, sinceMs: NOW_MS + 1000 }, 'Unknown NoAttemptSeen'],
    ['stopped', programmed, { attempts: 5, through: 0, sinceMs: NOW_MS + 1000 }, 'True AttemptsStopped'],
    ['got through', programmed, { attempts: 5, through: 1, sinceMs: NOW_MS + 1000 }, 'False AttemptsContinue'],
    ['quiet after it was proved', proved, { attempts: 0, through: 0, sinceMs: NOW_MS + 3000 }, 'True AttemptsStopped'],
    ['through while agents apply the policy', stored, { attempts: 5, through: 1, sinceMs: NOW_MS + 5999 }, 'Unknown NoAttemptSeen'],
    ['stopped meanwhile', stored, { attempts: 5, through: 0, sinceMs: NOW_MS + 5999 }, 'True AttemptsStopped'],
    ['through after that', stored, { attempts: 5, through: 1, sinceMs: NOW_MS + 6000 }, 'False AttemptsContinue'],
    ['through while agents take up the pod\'s new label', labelled, { attempts: 5, through: 1, sinceMs: NOW_MS + 40_999 }, 'Unknown NoAttemptSeen'],
    ['through after that as well', labelled, { attempts: 5, through: 1, sinceMs: NOW_MS + 41_000 }, 'False AttemptsContinue'],
    ['later through', proved, { attempts: 1, through: 1, sinceMs: NOW_MS + 3000 }, 'False AttemptsContinue'],
    ['simulated', withProxies(born({ mode: 'shadow' }), [answer('db')], NOW_MS), { attempts: 5, through: 0, sinceMs: NOW_MS + 5000 }, 'False Simulated'],
  ]
  for (const [name, mitigation, seen, wanted] of table) t.equal(conditions(observeAttempts(mitigation, seen, NOW_MS + 9000))[2], wanted, name)
  t.equal(conditions(withProxies(proved, [answer('db', { state: 'pending' })], NOW_MS + 9000))[2], 'Unknown NoAttemptSeen', 'a new programming is to be proved anew')
  t.end()
})

t.test('what gets through makes it degraded, with the flow, until nothing does or a target says worse', (t) => {
  const programmed = withProxies(born({}, { reason: 'RuleMatched' }), [answer('db')], NOW_MS)
  const pierced = observeAttempts(programmed, { flow: '10.0.0.7 to shop/db (10.0.0.9) on port 22', attempts: 4, through: 1, sinceMs: NOW_MS }, NOW_MS + 1)
  t.equal(conditions(pierced)[3], 'True AttemptsContinue')
  t.match(conditionOf(pierced, 'Degraded')?.message, '1 of 4 attempts got through: 10.0.0.7 to shop/db (10.0.0.9) on port 22.')
  t.equal(withProxies(pierced, [answer('db')], NOW_MS + 2), pierced, 'the same answers change nothing')
  t.equal(conditions(observeAttempts(pierced, { attempts: 4, through: 0, sinceMs: NOW_MS + 3 }, NOW_MS + 4))[3], 'False Pending')
  const refused = withProxies(pierced, [answer('db', { state: 'rejected', message: 'no' })], NOW_MS + 5)
  t.strictSame(conditions(refused).slice(2), ['Unknown NoAttemptSeen', 'True Rejected'])
  t.end()
})

t.test('it ends when its time has passed, or when a person takes it back, and only once', (t) => {
  const programmed = withProxies(born(), [answer('db')], NOW_MS)
  t.match(expire(programmed, NOW_MS + 599_999), { outcome: 'running', remainingMs: 1 })
  const expired = expire(programmed, NOW_MS + 600_000)
  t.strictSame([expired.outcome, expired.mitigation.status.phase, expired.mitigation.status.endedAt], ['ended', 'expired', at(600_000)])
  t.strictSame(conditions(expired.mitigation), ['True Stored', 'False Expired', 'False Expired', 'False Expired'])
  const reverted = revert(programmed, { actor: 'ada', reason: 'Reverted', why: 'a false alarm' }, NOW_MS + 5)
  t.strictSame([reverted.outcome, reverted.mitigation.status.phase, reverted.mitigation.status.endedAt], ['ended', 'reverted', at(5)])
  t.strictSame(conditions(reverted.mitigation), ['True Stored', 'False Reverted', 'False Reverted', 'False Reverted'])
  t.match(conditionOf(reverted.mitigation, 'Programmed')?.message, 'Undone by ada: a false alarm')
  const rolledBack = revert(programmed, { actor: 'autoshield', reason: 'RolledBack', why: 'its scope changed' }, NOW_MS + 5)
  t.strictSame(conditions(rolledBack.mitigation), ['True Stored', 'False RolledBack', 'False RolledBack', 'False RolledBack'])
  t.strictSame([programmed, expired.mitigation, reverted.mitigation, rolledBack.mitigation].map(endOf), [null, 'Expired', 'Reverted', 'RolledBack'])
  for (const { mitigation } of [expired, reverted, rolledBack]) {
    t.equal(Value.Check(Mitigation, mitigation), true)
    t.strictSame(expire(mitigation, NOW_MS + 900_000), { outcome: 'already-ended', mitigation })
    t.strictSame(revert(mitigation, { actor: 'bob', reason: 'Reverted', why: '' }, NOW_MS + 900_000), { outcome: 'already-ended', mitigation })
    t.equal(withProxies(mitigation, [answer('db')], NOW_MS + 900_000), mitigation)
    t.equal(observeAttempts(mitigation, { attempts: 1, through: 0, sinceMs: NOW_MS + 1 }, NOW_MS + 900_000), mitigation)
  }
  t.end()
})

t.test('a condition tells since when it has its status, not when it was last looked at', (t) => {
  const statement = { type: 'Programmed', status: 'False', reason: 'Pending', message: 'one' } as const
  const first = setCondition([], statement, 1, NOW_MS)
  const second = setCondition(first, { ...statement, reason: 'NoTargets', message: 'two' }, 2, NOW_MS + 10)
  t.strictSame(second, [{ type: 'Programmed', status: 'False', reason: 'NoTargets', message: 'two', lastTransitionTime: at(0), observedGeneration: 2 }])
  t.equal(setCondition(second, { ...statement, status: 'True', reason: 'Acknowledged' }, 2, NOW_MS + 20)[0]?.lastTransitionTime, at(20))
  t.strictSame(first[0]?.message, 'one', 'the argument is not changed')
  t.end()
})

const answers = fc.array(fc.record({
  podUid: fc.constantFrom('db', 'a', 'b'),
  connected: fc.boolean(),
  version: fc.constantFrom('1', '2'),
  state: fc.constantFrom('in-sync', 'pending', 'rejected'),
  message: fc.constantFrom('', 'no'),
  mitigations: fc.constantFrom<string[]>(['m-1'], [], ['m-2']),
  refused: fc.constantFrom([], [{ mitigation: 'm-1', message: 'no' }]),
  taken: fc.constantFrom<string[]>([], ['m-1']),
  shortfalls: fc.constantFrom([], [{ mitigation: 'm-1', message: 'it cannot' }]),
  openConnections: fc.constantFrom({}, { 'm-1': [{ means: 'none' as const }] }),
}), { maxLength: 4 })
const happening = fc.oneof(
  answers.map((statuses) => (mitigation: Mitigation, nowMs: number) => withProxies(mitigation, statuses, nowMs)),
  fc.record({ attempts: fc.nat(3), through: fc.nat(3), sinceMs: fc.integer({ min: NOW_MS, max: NOW_MS + 1000 }) }).map((seen) => (mitigation: Mitigation, nowMs: number) => observeAttempts(mitigation, seen, nowMs)),
  fc.constant((mitigation: Mitigation, nowMs: number) => expire(mitigation, nowMs).mitigation),
  fc.constant((mitigation: Mitigation, nowMs: number) => revert(mitigation, { actor: 'ada', reason: 'Reverted', why: 'x' }, nowMs).mitigation)
)

t.test('whatever happens to a simulated mitigation, nothing of it ever says that something is enforced', (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(fc.array(happening, { maxLength: 20 }), fc.boolean(), (happenings, cannot) => {
    let mitigation = born({ mode: 'shadow' }, { reason: cannot ? 'CannotEnforce' : 'RuleMatched' })
    return happenings.every((happens, index) => {
      mitigation = happens(mitigation, NOW_MS + index)
      const claims = mitigation.status.conditions.some(({ type, status }) => (type === 'Programmed' || type === 'Enforcing') && status !== 'False')
      return mitigation.status.simulated && !claims && !mitigation.status.targets.some(({ state }) => state === 'programmed') && Value.Check(Mitigation, mitigation)
    })
  }), { numRuns: 500, seed: 3 }))
  t.end()
})

t.test('whatever happens: it is Enforcing only while it is Programmed, each condition is there once, and what ended stays ended', (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(fc.array(happening, { maxLength: 20 }), (happenings) => {
    let mitigation = born()
    return happenings.every((happens, index) => {
      const before = mitigation
      mitigation = happens(mitigation, NOW_MS + index * 100_000)
      const [, programmed, enforcing] = conditions(mitigation)
      const honest = !enforcing?.startsWith('True') || programmed?.startsWith('True') === true
      const once = new Set(mitigation.status.conditions.map(({ type }) => type)).size === 4 && mitigation.status.conditions.length === 4
      return honest && once && (before.status.phase === 'active' || mitigation === before)
    })
  }), { numRuns: 500, seed: 4 }))
  t.end()
})
