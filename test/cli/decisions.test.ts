import t from 'tap'
import { inCluster } from '../console/cluster-scene.ts'
import { stage } from '../console/stage.ts'
import { autoshield } from '../program.ts'

t.test('budgets and the circuit breaker are told', async (t) => {
  const { loop, urls } = await stage(t)
  const { enforced } = loop.safetyState
  const budgets = async (...more: string[]) => autoshield(['protected', 'budgets', '--api', urls.api, ...more])
  loop.safetyState = { ...loop.safetyState, enforced: { ...enforced, regrets: [loop.now()], actions: [{ atMs: loop.now(), rule: 'scan', source: '10.0.0.1', target: '*' }] } }
  const table = await budgets()
  t.equal(table.status, 0, table.stderr)
  t.match(table.stdout, /^circuit: closed \(0 of 5 failures, 0 of 20 refusals, 1 of 3 regrets\)\nLANE +WHOSE +NAME +USED +MOST A MINUTE\nenforced +all +- +1 +10\nenforced +rule +scan +1 +6\nenforced +source +10\.0\.0\.1 +1 +6\n$/)
  loop.safetyState = { ...loop.safetyState, enforced: { ...enforced, breaker: { state: 'half-open', trialSinceMs: loop.now(), openMs: 60_000 } } }
  t.match((await budgets()).stdout, /^circuit: half-open; a trial is under way since .*, another is let through at /)
  t.match(JSON.parse((await budgets('-o', 'json')).stdout), { enforced: { breaker: { state: 'half-open', trial: 'under-way' } } })
})

t.test('what a yes to what waits would do is told before it is said', async (t) => {
  const { loop, urls } = await stage(t)
  await inCluster(loop)
  const outlook = async (...more: string[]) => autoshield(['decisions', 'outlook', 'dec-wait-1', '--api', urls.api, ...more])
  const table = await outlook()
  t.equal(table.status, 0, table.stderr)
  t.match(table.stdout, /^a yes now: mitigate \(RuleMatched\): .*\ntouches: 1 pod: ops\/ci-runner-0\nwrites: networkpolicy\/ops\/autoshield-iso-1, pod\/ops\/ci-runner-0\nends: .*\nundo: The labels of ci-runner-0 are put back.*\nPOLICIES +STATE +CUTS +FLOWS +COST +REASON +WHY\negress +taken +ops\/ci-runner-0/)
  t.match(JSON.parse((await outlook('-o', 'json')).stdout), { decision: { id: 'dec-wait-1' }, flows: { state: 'reckoned', effect: { options: [{ cost: 0 }, { cost: 380 }] } } })
  loop.planEffect = null
  t.match((await outlook()).stdout, /^flows: No cluster is connected\.$/m)
  t.match(await autoshield(['decisions', 'outlook', 'nobody', '--api', urls.api]), { status: 65, stderr: /nobody/ })
})
