import { Registry } from 'prom-client'
import t from 'tap'
import { Value } from 'typebox/value'
import { RefusalEvents } from '../../../src/adapters/kubernetes/refusal-events.ts'
import { auditOf } from '../../../src/controller/decision-entry.ts'
import { controllerMetrics } from '../../../src/controller/metrics.ts'
import { EscalationStatus } from '../../../src/core/mitigation/escalation-status.ts'
import { Decision, type Verdict } from '../../../src/core/policy/decision.ts'
import { REASONS, type ReasonCode } from '../../../src/core/reason.ts'
import { VERDICT_OF } from '../../../src/core/safety/verdict-of.ts'
import { sampleDecision } from '../../adapters/store/samples.ts'
import { findTool, skipWithout } from '../../setup/tools.ts'
import { guessing, quiet } from '../scenes.ts'
import { ask, stage } from '../stage.ts'
import { builtPage, launch, visit } from './browser.ts'

const chromium = findTool('chromium')
const skip = skipWithout(chromium.missing === undefined ? [] : [chromium.missing])
const NOW = Date.now()
const DETECTION = guessing(NOW, { id: 'det-refused', simulated: false, source: { address: '10.0.4.7', uid: 'u7', namespace: 'shop', name: 'web-7' } })

/** Every way in which an action is refused: by safety, by an exception, by people, or because nothing larger would do. */
const REFUSALS: readonly (readonly [ReasonCode, Verdict])[] = [
  ...Object.entries(VERDICT_OF).flatMap(([reason, verdict]) => verdict === 'simulate' ? [] : [[reason as ReasonCode, verdict] as const]),
  ['Excepted', 'suppress'], ['ApprovalRefused', 'suppress'], ['ApprovalLapsed', 'suppress'], ['NothingLarger', 'alert'],
]
const decisions = REFUSALS.map(([reason, verdict], at): Decision => ({
  ...sampleDecision(`dec-${at}`), at: new Date(NOW).toISOString(), detection: DETECTION.id, rule: `rule ${at}`, action: 'network_policy', actionIndex: at, verdict, reason, message: REASONS[reason], safety: [{ check: 'made', passed: false, reason, message: REASONS[reason] }], ...(reason === 'NothingLarger' && { escalates: 'm-1' }),
}))
const codes = REFUSALS.map(([reason]) => reason).toSorted()

t.test('every refusal carries its reason code to status, event, metric, audit and page', { skip, timeout: 300_000 }, async (t) => {
  const registry = new Registry()
  const metrics = controllerMetrics(registry)
  const events: string[] = []
  const clock = { nowMs: NOW, now: () => clock.nowMs }
  const teller = new RefusalEvents({
    create: async (_, object) => {
      events.push((object as { reason: string }).reason)
      return { apiVersion: '', kind: '', metadata: { name: '' } }
    },
  }, { clock, detectionOf: () => DETECTION, objectsOf: () => [], onTrouble: (error) => { throw error } })
  const { loop, urls } = await stage(t, { pageFolder: await builtPage(t) })
  await quiet(loop)
  await loop.store.detections.put(DETECTION.id, DETECTION)
  for (const decision of decisions) {
    metrics.decision(decision.verdict, decision.reason)
    await teller.take(decision)
    clock.nowMs += 1_000
    await loop.store.decisions.put(decision.id, decision)
  }

  t.strictSame(decisions.filter((decision) => !Value.Check(Decision, decision)), [])
  const stored = (await ask(`${urls.api}/api/v1/decisions?limit=500`)).json() as { items: Decision[] }
  t.strictSame(stored.items.filter(({ detection }) => detection === DETECTION.id).map(({ reason }) => reason).toSorted(), codes, 'the decisions\' own record')
  const escalation = { from: 'egress', to: 'ingress', outcome: 'held-back', message: '', at: new Date(NOW).toISOString(), steps: 0 }
  t.strictSame(codes.filter((reason) => !Value.Check(EscalationStatus, { ...escalation, reason })), [], 'the status of a mitigation that may not grow')
  t.strictSame(events.toSorted(), codes, 'an Event')
  const counted = await registry.metrics()
  t.strictSame(codes.filter((reason) => !counted.includes(`reason="${reason}"`)), [], 'a metric')
  t.strictSame(decisions.map((decision) => auditOf(decision, DETECTION).reason).toSorted(), codes, 'the trail')

  const { page, complaints } = await visit(t, await launch(t), `${urls.dashboard}/#/detections/${DETECTION.id}`)
  await page.locator('.decisions .code').nth(codes.length - 1).waitFor()
  t.strictSame((await page.locator('.decisions .code').allInnerTexts()).toSorted(), codes, 'the page')
  t.strictSame(complaints, [])
})
