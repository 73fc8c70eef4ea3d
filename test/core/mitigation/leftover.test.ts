import t from 'tap'
import { conditionOf } from '../../../src/core/mitigation/conditions.ts'
import { createMitigation, endOf, expire, withTargets } from '../../../src/core/mitigation/lifecycle.ts'
import type { Mitigation, TargetStatus } from '../../../src/core/mitigation/mitigation.ts'
import type { PolicyStanding } from '../../../src/core/mitigation/policy-standing.ts'
import { withLeftover } from '../../../src/core/mitigation/leftover.ts'
import type { ProxyAnswer } from '../../../src/core/mitigation/proxy-answer.ts'
import { planAction } from '../../../src/core/plan/plan-action.ts'
import { context, detectionOf, NOW_MS, PODS, ruleOf } from '../plan/scene.ts'

function born (mode: 'enforce' | 'shadow' = 'enforce'): Mitigation {
  const { rule, action } = ruleOf('network_policy')
  const plan = planAction(rule, action, detectionOf(), context({ mode }))
  if (plan.spec === null) throw new Error(plan.message)
  return createMitigation({ ...plan.spec, policies: ['egress'] }, { name: 'm-1', uid: 'm', plan }, NOW_MS)
}

const target = (state: TargetStatus['state'], name = 'a', message = ''): TargetStatus => ({ target: `networkpolicy/shop/${name}`, state, version: '', message })
const standing = (...targets: readonly TargetStatus[]): PolicyStanding => ({ targets, settleMs: 5_000, trouble: null })
const proxy = (state: ProxyAnswer['state']): ProxyAnswer => ({ podUid: PODS.db.uid, connected: true, version: 'v1', state, message: 'no', mitigations: ['m-1'], refused: [], taken: [], shortfalls: [], openConnections: {} })
const said = (mitigation: Mitigation): string[] => (['Programmed', 'Degraded'] as const).map((type) => `${conditionOf(mitigation, type)?.status ?? ''} ${conditionOf(mitigation, type)?.reason ?? ''}`)

t.test('a mitigation that policies carry waits for them from its beginning', (t) => {
  t.match(born().status.targets, [{ target: 'networkpolicy/shop/autoshield-m-1-egress', state: 'pending' }])
  t.match(born('shadow').status.targets, [{ state: 'simulated', message: 'planned, not applied: the mitigation is simulated' }])
  t.end()
})

t.test('policies and proxies together say whether it is programmed and degraded, by the table', (t) => {
  const contested: PolicyStanding = { targets: [target('rejected', 'a', 'it was put back')], settleMs: 5_000, trouble: { reason: 'Contested', message: 'left' } }
  const table: [string, readonly ProxyAnswer[], PolicyStanding | null, readonly string[], string][] = [
    ['policies alone', [], standing(target('programmed')), ['True Acknowledged', 'False Pending'], '1 of 1 NetworkPolicies are stored.'],
    ['one of two', [], standing(target('programmed'), target('pending', 'b')), ['False Pending', 'False Pending'], '1 of 2 NetworkPolicies are stored.'],
    ['one is refused', [], standing(target('programmed'), target('rejected', 'b', 'no')), ['False Rejected', 'True Rejected'], '1 of 2 targets refused it.'],
    ['the proxy has yet to answer', [proxy('pending')], standing(target('programmed')), ['False Pending', 'False Pending'], '0 of 1 proxies took it, 1 of 1 NetworkPolicies are stored.'],
    ['all took it', [proxy('in-sync')], standing(target('programmed')), ['True Acknowledged', 'False Pending'], '1 of 1 proxies took it, 1 of 1 NetworkPolicies are stored.'],
    ['the proxy took it, the policy is refused', [proxy('in-sync')], standing(target('rejected')), ['False Rejected', 'True Rejected'], '1 of 2 targets refused it.'],
    ['the proxy refused it', [proxy('rejected')], standing(target('programmed')), ['False Rejected', 'True Rejected'], '1 of 2 targets refused it.'],
    ['somebody goes on taking it away', [], contested, ['False Rejected', 'True Contested'], '1 of 1 targets refused it.'],
    ['another policy lets it through', [], { targets: [target('programmed')], settleMs: 5_000, trouble: { reason: 'AddsUp', message: 'shop/open allows it' } }, ['True Acknowledged', 'True AddsUp'], '1 of 1 NetworkPolicies are stored.'],
    ['nothing is needed now', [], standing(), ['False NoTargets', 'False Pending'], 'No proxy could carry it, and no NetworkPolicy does.'],
    ['nobody carries policies here', [], null, ['False NoTargets', 'False Pending'], 'No proxy could carry it, and no NetworkPolicy does.'],
  ]
  for (const [name, proxies, policies, wanted, message] of table) {
    const after = withTargets(born(), proxies, policies, NOW_MS)
    t.strictSame(said(after), wanted, name)
    t.equal(conditionOf(after, 'Programmed')?.message, message, name)
    t.equal(withTargets(after, proxies, policies, NOW_MS + 5), after, `${name}: the same changes nothing`)
  }
  t.end()
})

t.test('what ended and is still there is told until it is gone', (t) => {
  const { mitigation } = expire(born(), NOW_MS + 3_600_000)
  const left = withLeftover(mitigation, 'the API server is away', NOW_MS + 3_600_001)
  t.match(conditionOf(left, 'Degraded'), { status: 'True', reason: 'NotRemoved', message: 'the API server is away' })
  const gone = withLeftover(left, null, NOW_MS + 3_600_002)
  t.match(conditionOf(gone, 'Degraded'), { status: 'False', reason: 'Expired' })
  t.equal(endOf(gone), 'Expired')
  t.equal(withLeftover(gone, null, NOW_MS + 3_600_003), gone)
  t.end()
})
