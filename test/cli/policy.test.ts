import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ModelStore } from '../../src/adapters/models/model-store.ts'
import { openStore } from '../../src/adapters/store/object-store.ts'
import { promote } from '../../src/core/model/standing.ts'
import { sampleDecision, sampleDetection } from '../adapters/store/samples.ts'
import { autoshield } from '../program.ts'

const POLICIES = join(import.meta.dirname, '../../deploy/policies')
const POLICY = 'rules:\n- { id: cut, attack_class: PORT_SCAN, actions: [{ action_type: network_policy }, { action_type: alert_only }] }\n- { id: fast, attack_class: PORT_SCAN, window: 10, condition: features.syn_count > 5, actions: [{ action_type: alert_only }] }\n'

async function recorded (folder: string): Promise<void> {
  const store = openStore(folder)
  await store.detections.put('d1', sampleDetection('d1'))
  await store.detections.put('e2', sampleDetection('e2', { class: 'SYN_FLOOD', source: null }))
  await store.decisions.put('x', sampleDecision('x'))
  await store[Symbol.asyncDispose]()
}

t.test('a policy is tried on what was recorded, from the store, from its listing and from a page of the API', async (t) => {
  const folder = t.testdir({ 'mine.yaml': POLICY, 'api.json': JSON.stringify({ items: [sampleDetection('d9')], next: null }), 'bad.jsonl': '{"id":1}\n' })
  const data = join(folder, 'data')
  await recorded(data)
  const mine = join(folder, 'mine.yaml')
  const table = await autoshield(['policy', 'test', mine, '--data', data])
  t.equal(table.status, 0, table.stderr)
  t.match(table.stdout, /^DETECTION +CLASS +SOURCE +TARGET +RULE +WOULD +WHY\n/)
  t.match(table.stdout, /^d1 +PORT_SCAN +10\.0\.0\.7 +shop\/db-0 +cut +mitigate network_policy, alert alert_only +confidence 0\.97/m)
  t.match(table.stdout, /^e2 +SYN_FLOOD +any +shop\/db-0 +- +alert +/m)
  t.match(table.stdout, /^2 detections, 1 of them without a rule that fires; actions: alert 1, mitigate 1$/m)
  t.match(table.stdout, /^Of 1 something could not be told/m)
  t.match(table.stdout, /fast: the condition of rule "fast" does not hold: features\.syn_count is not known/)
  const listed = await autoshield(['detections', 'list', '--data', data, '-o', 'json'])
  t.equal(listed.stdout.trim().split('\n').length, 2)
  const json = await autoshield(['policy', 'test', mine, '--detections', join(folder, 'api.json'), '-o', 'json'])
  t.match(JSON.parse(json.stdout), { detection: { id: 'd9' }, rules: [{ id: 'cut', actions: [{ action: 'network_policy', verdict: 'mitigate' }, { verdict: 'alert' }] }], untold: [{ id: 'fast' }], missed: null })
  t.match(await autoshield(['policy', 'test', mine, '--detections', join(folder, 'bad.jsonl')]), { status: 65, stderr: /detection 1 cannot be understood/ })
  t.match(await autoshield(['policy', 'test', mine]), { status: 64, stderr: /--data DIR or --detections FILE/ })
})

t.test('why says for each rule what decided, and what was decided', async (t) => {
  const folder = t.testdir({ 'mine.yaml': POLICY })
  const data = join(folder, 'data')
  await recorded(data)
  const { stdout, status, stderr } = await autoshield(['policy', 'why', 'd', '--data', data, '--policy', join(folder, 'mine.yaml')])
  t.equal(status, 0, stderr)
  t.match(stdout, /^PORT_SCAN 10\.0\.0\.7 -> shop\/db-0 \(pair\), confidence 0\.970, open\n/)
  t.match(stdout, /^fires +cut \(.*mine\.yaml\) \[RuleMatched\] confidence 0\.97 is at or above/m)
  t.match(stdout, /^cannot be told fast \(.*\) \[ConditionFalse\] .*features\.syn_count is not known/m)
  t.match(stdout, /^2026-01-02T03:04:05\.000Z alert alert_only \[AlertOnly\] r: m$/m)
  t.match(await autoshield(['policy', 'why', 'zz', '--data', data]), { status: 65, stderr: /no detection 'zz'/ })
})

t.test('policy validate reads ThreatPolicies, too', async (t) => {
  const good = await autoshield(['policy', 'validate', join(POLICIES, 'threat-policy.yaml'), join(POLICIES, 'default.yaml')])
  t.match(good, { status: 0, stdout: /threat-policy\.yaml: good, 1 rules\n.*default\.yaml: good, 5 rules/ })
  const folder = t.testdir({ 'bad.yaml': 'apiVersion: autoshield.dev/v1alpha1\nkind: ThreatPolicy\nmetadata: { name: a }\nspec:\n  rules:\n    - id: a\n      attack_class: PORT_SCAN\n      cel: source.nam == "x"\n      actions: [{ action_type: alert_only }]\n' })
  t.match(await autoshield(['policy', 'validate', join(folder, 'bad.yaml')]), { status: 65, stdout: /bad\.yaml:8:12: spec\.rules\[0\]\.cel: "source\.nam" is not a known fact\. Write "source\.name"/ })
})

/** The shipped manifest as that of a model that calls guessing something of its own. */
const ownManifest = (): string => {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../models/manifest.json'), 'utf8')) as { version: string, classes: string[] }
  return JSON.stringify({ ...manifest, version: 'mine', classes: manifest.classes.map((name) => name === 'BRUTE_FORCE' ? 'CUSTOM_ATTACK' : name) })
}

t.test('rules may be about the classes of the model that is named, or that scores in the data folder, or of MODEL_PATH', async (t) => {
  const data = t.testdir({ 'mine.yaml': 'rules:\n- { id: own, attack_class: CUSTOM_ATTACK, actions: [{ action_type: alert_only }] }\n', models: { mine: { 'manifest.json': ownManifest() } } })
  const [mine, model] = [join(data, 'mine.yaml'), join(data, 'models/mine')]
  const store = openStore(data)
  await store.detections.put('d1', sampleDetection('d1', { class: 'CUSTOM_ATTACK' }))
  await store[Symbol.asyncDispose]()
  const why = ['policy', 'why', 'd1', '--data', data, '--policy', mine]
  t.match(await autoshield(why), { status: 65, stderr: /mine\.yaml:2.*CUSTOM_ATTACK, which the model does not know.*promote a model that knows it/ }, 'nobody promoted it')
  t.match(await autoshield([...why, '--model', model]), { status: 0, stdout: /^fires +own /m }, 'named')
  t.match(await autoshield(['policy', 'validate', mine], { MODEL_PATH: model }), { status: 0, stdout: /good, 1 rules\n$/ })
  const models = new ModelStore(join(data, 'models'))
  await models.choose(promote(await models.choice(), 'mine', { by: 'ann', reason: '', at: '2026-01-01T00:00:00.000Z' }))
  t.match(await autoshield(why), { status: 0, stdout: /^fires +own /m }, 'what was promoted scores')
  t.match(await autoshield(['policy', 'test', mine, '--data', data]), { status: 0, stdout: /^d1 +CUSTOM_ATTACK .* own +alert alert_only/m })
})

t.test('a rule about a class that the model does not know is good with a condition, and validate says what that means', async (t) => {
  const folder = t.testdir({ 'mine.yaml': 'rules:\n- { id: own, attack_class: CUSTOM_ATTACK, condition: features.syn_count > 5, actions: [{ action_type: alert_only }] }\n' })
  const mine = join(folder, 'mine.yaml')
  t.match(await autoshield(['policy', 'validate', mine]), { status: 0, stdout: /good, 1 rules\n.*mine\.yaml:2: note: the model does not know CUSTOM_ATTACK, so .* fires on its condition alone/ })
  t.notMatch((await autoshield(['policy', 'validate', mine, '--classes', 'CUSTOM_ATTACK'])).stdout, /note/)
})

t.test('a policy about the classes of one\'s own model is good where they are named, and tried as that model\'s', async (t) => {
  const folder = t.testdir({ 'mine.yaml': POLICY.replaceAll('PORT_SCAN', 'CUSTOM_ATTACK'), 'one.json': JSON.stringify(sampleDetection('d1', { class: 'CUSTOM_ATTACK' })) })
  const mine = join(folder, 'mine.yaml')
  t.match(await autoshield(['policy', 'validate', mine]), { status: 65, stdout: /CUSTOM_ATTACK, which the model does not know/ })
  t.match(await autoshield(['policy', 'validate', mine, '--classes', 'CUSTOM_ATTACK,PORT_SCAN']), { status: 0, stdout: /good, 2 rules/ })
  t.match(await autoshield(['policy', 'test', mine, '--detections', join(folder, 'one.json'), '--classes', 'CUSTOM_ATTACK']), { status: 0, stdout: /^d1 +CUSTOM_ATTACK .*mitigate network_policy/m })
})
