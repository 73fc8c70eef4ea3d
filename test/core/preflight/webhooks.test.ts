import t from 'tap'
import { registrationObjects } from '../../../src/controller/registration/registration-objects.ts'
import { checkDeadlock, type BackEnd } from '../../../src/core/preflight/check-deadlock.ts'
import { checkTimeouts, podDelay } from '../../../src/core/preflight/check-timeouts.ts'
import { selects } from '../../../src/core/kubernetes/label-selector.ts'
import { entriesOf, type WebhookEntry } from '../../../src/core/preflight/webhook-entry.ts'

const NAME = 'kubernetes.io/metadata.name'
const rules = [{ operations: ['CREATE'], apiGroups: [''], resources: ['pods'] }]

const entry = (over: Partial<WebhookEntry> = {}): WebhookEntry =>
  ({ kind: 'mutating', configuration: 'c', ours: false, name: 'w.example.com', clientConfig: { service: { namespace: 'w', name: 'w' } }, rules, timeoutSeconds: 10, ...over })

t.test('time-outs add up as the API server calls the webhooks', async (t) => {
  for (const [what, entries, seconds] of [
    ['none', [], 0],
    ['mutating ones one after the other', [entry(), entry()], 20],
    ['validating ones at once', [entry({ kind: 'validating', timeoutSeconds: 5 }), entry({ kind: 'validating', timeoutSeconds: 9 })], 9],
    ['both', [entry(), entry({ kind: 'validating', timeoutSeconds: 5 })], 15],
    ['again where needed', [entry({ reinvocationPolicy: 'IfNeeded' }), entry()], 30],
    ['10 s where none is named', [((rest: WebhookEntry) => { const { timeoutSeconds: _, ...named } = rest; return named })(entry())], 10],
    ['not asked about pods', [entry({ rules: [{ operations: ['CREATE'], apiGroups: ['apps'], resources: ['*'] }] }), entry({ rules: [{ operations: ['UPDATE'], apiGroups: [''], resources: ['pods'] }] }), entry({ rules: [{ operations: ['*'], apiGroups: ['*'], resources: ['*'], scope: 'Cluster' }] })], 0],
    ['asked about everything', [entry({ rules: [{ operations: ['*'], apiGroups: ['*'], resources: ['*'] }] })], 10],
    ['another namespace', [entry({ namespaceSelector: { matchLabels: { [NAME]: 'x' } } })], 0],
  ] as const) t.equal(podDelay(entries, { [NAME]: 'shop' }).seconds, seconds, what)
})

t.test('of our entries a pod meets one', async (t) => {
  const { mutating, validating } = registrationObjects({ revision: 'default', excludedNamespaces: [], ownNamespace: 'autoshield', backend: { kind: 'service' } }, 'CA')
  const ours = [...entriesOf('mutating', mutating as never), ...entriesOf('validating', validating as never)]
  t.ok(ours.length > 5)
  t.equal(podDelay(ours, { [NAME]: 'shop', 'autoshield.dev/injection': 'enabled' }).seconds, 2 + 2 + 2)
})

t.test('the worst namespace decides, at 30 s and at 60 s', async (t) => {
  const namespaces = [{ name: 'calm', labels: {} }, { name: 'busy', labels: { slow: 'yes' } }]
  const slow = (timeoutSeconds: number): WebhookEntry[] => [entry({ timeoutSeconds, namespaceSelector: { matchLabels: { slow: 'yes' } } })]
  for (const [seconds, status] of [[29, 'ok'], [30, 'warning'], [59, 'warning'], [60, 'problem']] as const) {
    t.match(checkTimeouts(slow(seconds), namespaces), [{ status, message: /namespace busy/ }], `${seconds} s`)
  }
})

t.test('a selector is read as the API server reads it', async (t) => {
  for (const [operator, absent, same, other] of [['In', false, true, false], ['NotIn', true, false, true], ['Exists', false, true, true], ['DoesNotExist', true, false, false]] as const) {
    const selector = { matchExpressions: [{ key: 'a', operator, values: ['1'] }] }
    t.same([selects(selector, {}), selects(selector, { a: '1' }), selects(selector, { a: '2' })], [absent, same, other], operator)
  }
  t.ok(selects(undefined, {}) && selects({}, { a: '1' }))
})

t.test('webhooks that could lock up the cluster are named', async (t) => {
  const backEnd = (over: Partial<BackEnd> = {}): BackEnd => ({ namespace: 'w', service: 'w', namespaceLabels: { [NAME]: 'w' }, podLabels: [{ app: 'w' }], ready: 2, ...over })
  const fail = (over: Partial<WebhookEntry> = {}): WebhookEntry => entry({ failurePolicy: 'Fail', namespaceSelector: { matchExpressions: [{ key: NAME, operator: 'NotIn', values: ['kube-system'] }] }, ...over })
  const statuses = (webhook: WebhookEntry, end: BackEnd): string[] => checkDeadlock([webhook], [end], { [NAME]: 'kube-system' }).map(({ status }) => status)
  for (const [what, webhook, end, expected] of [
    ['ignored where it fails', entry({ failurePolicy: 'Ignore' }), backEnd(), ['ok']],
    ['asked about its own pods', fail(), backEnd(), ['warning']],
    ['and they are gone', fail(), backEnd({ ready: 0, podLabels: [] }), ['problem']],
    ['its pods are left out by label', fail({ objectSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['w'] }] } }), backEnd(), ['ok']],
    ['its namespace is left out', fail({ namespaceSelector: { matchExpressions: [{ key: NAME, operator: 'NotIn', values: ['w', 'kube-system'] }] } }), backEnd(), ['ok']],
    ['left out, but dead', fail({ namespaceSelector: { matchExpressions: [{ key: NAME, operator: 'NotIn', values: ['w', 'kube-system'] }] } }), backEnd({ ready: 0 }), ['problem']],
    ['asked about kube-system, too', fail({ namespaceSelector: {} }), backEnd(), ['warning', 'warning']],
    ['Fail is the default', (({ failurePolicy: _, ...rest }) => rest)(fail()), backEnd(), ['warning']],
  ] as const) t.same(statuses(webhook, end), expected, what)
})
