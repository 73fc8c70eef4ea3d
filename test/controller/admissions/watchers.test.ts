import { appendFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readFailOpen } from '../../../src/controller/admissions/fail-open-watch.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import { NOON, WatchStage } from './watch-stage.ts'

const CONFIGURATION = RESOURCES.validatingWebhooks
/** Our configuration as the API server has it after its n-th change, by this manager. */
const configuration = (generation: number, manager = 'autoshield', uid = 'w1') => ({
  metadata: {
    name: 'autoshield-audit', uid, generation, labels: { 'app.kubernetes.io/managed-by': 'autoshield' }, managedFields: [{ manager, operation: 'Apply', time: `2026-03-01T11:00:0${generation}Z` }],
  },
})

t.test('a change of our webhook configuration by somebody else is on record, ours is not', async (t) => {
  const stage = new WatchStage(t)
  stage.api.seed(CONFIGURATION, configuration(1))
  await stage.during(async () => {
    await stage.until(() => stage.api.calls.filter(({ verb }) => verb === 'watch').length === 2)
    stage.api.seed(CONFIGURATION, configuration(2))
    stage.api.seed(CONFIGURATION, { ...configuration(3, 'kubectl-edit') })
    await stage.until(() => stage.entries.length > 0)
  })
  t.match(stage.entries, [{
    operation: 'UPDATE', resource: 'admissionregistration.k8s.io/v1/validatingwebhookconfigurations', name: 'autoshield-audit', user: '', seenBy: 'watch', findings: [{ code: 'WebhookChanged', severity: 'critical' }],
  }])
  t.equal(stage.entries.length, 1)
})

t.test('its deletion is on record, also when the label goes, and when nobody watched', async (t) => {
  const saved = new Map<string, unknown>()
  const stage = new WatchStage(t, { saved })
  stage.api.seed(CONFIGURATION, configuration(1))
  await stage.during(async () => {
    await stage.until(() => saved.has('admission-webhooks'))
    stage.api.seed(CONFIGURATION, { metadata: { ...configuration(1).metadata, labels: {} } })
    await stage.until(() => stage.entries.length === 1)
    stage.api.seed(CONFIGURATION, configuration(2))
    await stage.until(() => JSON.stringify(saved.get('admission-webhooks')).includes('"generation":2'))
  })
  t.match(stage.entries[0], { operation: 'DELETE', name: 'autoshield-audit' })
  await stage.api.remove(CONFIGURATION, 'autoshield-audit')
  await stage.during(async () => { await stage.until(() => stage.entries.length === 2) })
  stage.api.seed(CONFIGURATION, configuration(1, 'autoshield', 'w2'))
  await stage.during(async () => { await stage.until(() => JSON.stringify(saved.get('admission-webhooks')).includes('w2')) })
  await stage.api.remove(CONFIGURATION, 'autoshield-audit')
  stage.api.seed(CONFIGURATION, configuration(1, 'autoshield', 'w3'))
  await stage.during(async () => { await stage.until(() => stage.entries.length === 3) })
  t.match(stage.entries, [{ operation: 'DELETE' }, { operation: 'DELETE' }, { operation: 'DELETE', uid: 'w2' }], 'put back while nobody watched, it was deleted all the same')
})

const line = (more: object, ref: object = {}): string => JSON.stringify({
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'Metadata',
  auditID: '9d1c',
  stage: 'ResponseComplete',
  requestURI: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/autoshield-audit',
  verb: 'delete',
  user: { username: 'eve', groups: ['system:authenticated'] },
  objectRef: { resource: 'validatingwebhookconfigurations', name: 'autoshield-audit', apiGroup: 'admissionregistration.k8s.io', apiVersion: 'v1', ...ref },
  responseStatus: { code: 200 },
  stageTimestamp: new Date(NOON).toISOString(),
  ...more,
}) + '\n'

t.test('the API server\'s audit log names the user of a change that was watched, once', async (t) => {
  const dir = t.testdir({ 'audit.log': line({ auditID: 'old', user: { username: 'long ago' } }) })
  const auditLogFile = join(dir, 'audit.log')
  const saved = new Map<string, unknown>()
  const stage = new WatchStage(t, { auditLogFile, saved, dir })
  stage.api.seed(CONFIGURATION, configuration(1))
  await stage.during(async () => {
    await stage.until(() => saved.has('admission-webhooks') && saved.has('api-audit-log'))
    await stage.api.remove(CONFIGURATION, 'autoshield-audit')
    await appendFile(auditLogFile, line({}))
    await stage.until(() => stage.entries.length > 0)
  })
  t.match(stage.entries, [{ operation: 'DELETE', user: 'eve', groups: ['system:authenticated'], seenBy: 'watch' }])
  t.equal(stage.entries.length, 1)
})

t.test('what no webhook could see comes from the audit log, across rotation and restarts', async (t) => {
  const dir = t.testdir({ 'audit.log': '' })
  const auditLogFile = join(dir, 'audit.log')
  const saved = new Map<string, unknown>()
  const stage = new WatchStage(t, { auditLogFile, saved, dir })
  const passed = (auditID: string, more = {}) => line({
    auditID, verb: 'create', requestURI: '/api/v1/namespaces/shop/pods', annotations: { 'failed-open.validating.webhook.admission.k8s.io/round_0_index_1': 'audit.autoshield.dev' }, ...more,
  }, { resource: 'pods', namespace: 'shop', name: 'web', apiGroup: undefined })
  await stage.during(async () => {
    await stage.until(() => saved.has('api-audit-log'))
    await appendFile(auditLogFile, line({ auditID: 'policy', verb: 'create' }, { resource: 'validatingadmissionpolicies', name: 'p' }))
    await appendFile(auditLogFile, passed('a').slice(0, 40))
    await stage.until(() => stage.entries.length === 1)
    await appendFile(auditLogFile, passed('a').slice(40))
    await rename(auditLogFile, join(dir, 'audit-1.log'))
    await appendFile(join(dir, 'audit-1.log'), passed('b'))
    await writeFile(auditLogFile, passed('c') + passed('dry', { requestURI: '/api/v1/namespaces/shop/pods?dryRun=All' }) + passed('refused', { responseStatus: { code: 403 } }) + passed('began', { stage: 'RequestReceived' }))
    await stage.until(() => stage.entries.length >= 4)
  })
  t.match(stage.entries.map(({ review }) => review), ['log:policy', 'log:a', 'log:b', 'log:c'])
  t.match(stage.entries[1], { operation: 'CREATE', resource: '/v1/pods', namespace: 'shop', name: 'web', user: 'eve', seenBy: 'audit-log' })
  await appendFile(auditLogFile, passed('d') + 'no event\n')
  await stage.during(async () => { await stage.until(() => stage.gaps.length > 0) })
  t.same(stage.entries.slice(4).map(({ review }) => review), ['log:d'], 'what came while nobody read is read once')
  t.match(stage.gaps, [{ cause: 'audit-log', count: 1 }])
})

const metrics = (count: number, started = 1_700_000_000): string => `# TYPE apiserver_admission_webhook_fail_open_count counter
apiserver_admission_webhook_fail_open_count{name="audit.autoshield.dev",type="validating"} ${count}
apiserver_admission_webhook_fail_open_count{name="inject.autoshield.dev",type="admit"} 2
apiserver_admission_webhook_fail_open_count{name="somebody.else.io",type="admit"} 9000
process_start_time_seconds ${started}
`

t.test('the API server\'s metrics are read for our webhooks alone', async (t) => {
  t.same(readFailOpen(metrics(3)), { server: '1700000000', count: 5 })
  t.equal(readFailOpen('404 page not found'), null)
  t.same(readFailOpen('process_start_time_seconds 1.7e+09\n'), { server: '1.7e+09', count: 0 })
})

t.test('what passed while the webhook was away is a gap with its count and its span', async (t) => {
  const saved = new Map<string, unknown>()
  const stage = new WatchStage(t, { saved })
  stage.api.texts.set('/metrics', metrics(40))
  await stage.during(async () => {
    await stage.until(() => saved.has('admission-fail-open'))
    t.same(stage.gaps, [], 'what passed before AutoShield was there is not its gap')
    stage.nowMs = NOON + 30_000
    stage.api.texts.set('/metrics', metrics(47))
    await stage.until(() => stage.gaps.length === 1)
  })
  t.match(stage.gaps[0], { cause: 'fail-open', count: 7, until: '2026-03-01T12:00:30.000Z' })
  stage.nowMs = NOON + 90_000
  stage.api.texts.set('/metrics', metrics(50))
  await stage.during(async () => { await stage.until(() => stage.gaps.length === 2) })
  t.match(stage.gaps[1], { count: 3, from: '2026-03-01T12:00:30.000Z', until: '2026-03-01T12:01:30.000Z' }, 'also what passed while the controller was away')
  stage.nowMs = NOON + 120_000
  stage.api.texts.set('/metrics', metrics(1, (NOON + 100_000) / 1000))
  await stage.during(async () => { await stage.until(() => stage.gaps.length === 3) })
  t.match(stage.gaps[2], { count: 3, from: '2026-03-01T12:01:40.000Z' }, 'an API server that was started anew counts from nothing')
})

t.test('without the right to read metrics the loop goes on and says so once', async (t) => {
  const stage = new WatchStage(t)
  await stage.during(async () => { await stage.until(() => stage.api.calls.filter(({ verb }) => verb === 'text').length > 3) })
  t.equal(stage.logged.filter((text) => text.includes('metrics')).length, 1)
})
