import t from 'tap'
import type { ModelStanding } from '../../src/core/model/standing.ts'
import { ATTACKER, madeScore, T0 } from '../core/verdict/made-score.ts'
import { Bench } from './bench.ts'
import { MODEL_INFO } from './fakes.ts'

const STANDING: ModelStanding = { sequence: 1, current: 'm1', shadow: null, refused: [], by: 'ann', reason: 'better' }
const entries = (bench: Bench) => bench.audit.search({ text: 'model/', limit: 100 }).map(({ actor, action, object, reason, detail }) => ({ actor, action, object, reason, detail })).toReversed()

t.test('another model, a candidate and a refusal are in the trail once, with who asked and why, also after a restart', async (t) => {
  const dir = t.testdir()
  const refused = { ...STANDING, sequence: 4, current: 'm2', refused: [{ version: 'm3', message: 'm3 is broken' }] }
  {
    await using bench = await Bench.start(dir)
    await bench.scores.tell({ type: 'models', standing: STANDING })
    t.same(entries(bench), [], 'the model of the beginning is no news')
    await bench.scores.tell({ type: 'models', standing: { ...STANDING, sequence: 2, shadow: 'm2' } })
    await bench.scores.tell({ type: 'models', standing: { ...STANDING, sequence: 3, current: 'm2' } })
    await bench.scores.tell({ type: 'models', standing: refused })
    await bench.scores.tell({ type: 'models', standing: refused })
    t.match(entries(bench), [
      { actor: 'model:ann', action: 'model.shadow', object: 'model/m2', reason: 'ModelInShadow', detail: { current: 'm1', why: 'better' } },
      { actor: 'model:ann', action: 'model.current', object: 'model/m2', reason: 'ModelTaken', detail: { before: 'm1' } },
      { actor: 'model:ann', action: 'model.refused', object: 'model/m3', reason: 'ModelNotUsed', detail: { current: 'm2', message: 'm3 is broken' } },
    ])
    t.equal(entries(bench).length, 3)
    t.match(bench.controller.models(), { current: 'm2', refused: [{ version: 'm3' }] })
    t.equal(bench.metrics.counted.filter((line) => line === 'model refused').length, 1)
    t.ok(bench.metrics.counted.includes('models m1 m2'))
  }
  await using bench = await Bench.start(dir)
  await bench.scores.tell({ type: 'models', standing: refused })
  t.equal(entries(bench).length, 3)
})

t.test('a comparison is told while its two models score, and no longer', async (t) => {
  await using bench = await Bench.start(t.testdir())
  const at = '2026-01-01T00:00:00.000Z'
  const latency = { p50Ms: 1, p99Ms: 2 }
  const comparison = { current: 'm1', candidate: 'm2', since: at, until: at, windows: 2, skipped: 0, failed: 0, agreed: 1, alarms: {}, difference: { mean: 0, p99: null, max: 0 }, latency: { current: latency, candidate: latency } }
  await bench.scores.tell({ type: 'models', standing: { ...STANDING, shadow: 'm2' } })
  t.equal(bench.controller.comparison(), null, 'nothing was compared yet')
  await bench.scores.tell({ type: 'comparison', comparison })
  t.same(bench.controller.comparison(), comparison)
  await bench.scores.tell({ type: 'models', standing: { ...STANDING, sequence: 2, current: 'm2' } })
  t.equal(bench.controller.comparison(), null, 'the candidate was promoted')
})

const CUSTOM = `
rules:
  - id: mine
    name: Mine
    attack_class: CUSTOM_ATTACK
    confidence_threshold: 0.9
    actions:
      - action_type: network_policy
        parameters: { direction: ingress, ports: any }
`
/** The third class of `madeScore`. */
const custom = (n: number) => madeScore({ SYN_FLOOD: 0.97 }, { endMs: T0 + 500 * n, reporter: ATTACKER })

t.test('a class of the user\'s own model leads to detections, and its rule to decisions, from the first start on', async (t) => {
  const model = { ...MODEL_INFO, version: 'mine', classes: ['BENIGN', 'PORT_SCAN', 'CUSTOM_ATTACK'] }
  await using bench = await Bench.start(t.testdir(), { policy: CUSTOM })
  await bench.scores.tell({ type: 'synced', model })
  await bench.scores.push(custom(1))
  t.match(bench.store.detections.list(), [{ class: 'CUSTOM_ATTACK', phase: 'open', model: 'mine', technique: null }])
  t.match(bench.store.detections.list()[0]?.explanation.sentence, /10\.0\.0\.7/)
  t.match(bench.store.decisions.list(), [{ rule: 'Mine', verdict: 'mitigate', reason: 'RuleMatched' }])
})

t.test('the ATT&CK technique that a model names for its own class is told with its detections', async (t) => {
  const model = { ...MODEL_INFO, version: 'mine', classes: ['BENIGN', 'PORT_SCAN', 'CUSTOM_ATTACK'], techniques: { CUSTOM_ATTACK: { id: 'T1071.001', name: 'Web Protocols' } } }
  await using bench = await Bench.start(t.testdir(), { policy: CUSTOM })
  await bench.scores.tell({ type: 'synced', model })
  await bench.scores.push(custom(1))
  t.match(bench.store.detections.list()[0]?.technique, { id: 'T1071.001', name: 'Web Protocols', url: 'https://attack.mitre.org/techniques/T1071/001/' })
  await bench.until(() => bench.store.detections.list()[0]?.explanation.path !== undefined)
  t.match(bench.store.detections.list()[0]?.explanation.sentence, /this is how Web Protocols \(ATT&CK T1071\.001\) looks/, 'also when the detector has answered')
})

t.test('a rule about a class that the model has no more fires for nothing, and not for everything', async (t) => {
  await using bench = await Bench.start(t.testdir(), { policy: CUSTOM })
  await bench.until(() => bench.trail().includes('policy.refused policy Rejected'))
  for (let n = 30; n <= 240; n += 30) await bench.scores.push(madeScore({}, { stepMs: 15_000, endMs: T0 + 500 * n }))
  t.same(bench.store.detections.list(), [])
})
