import { once } from 'node:events'
import { Agent } from 'node:https'
import { connect, type TLSSocket } from 'node:tls'
import { setTimeout } from 'node:timers/promises'
import fastJsonPatch from 'fast-json-patch'
import t from 'tap'
import { AutoshieldError } from '../../../src/core/errors.ts'
import type { AdmissionRequest, AdmissionResponse } from '../../../webhook/review.ts'
import { decideInjection } from '../../../webhook/inject/decide.ts'
import { DAY_MS, Root } from '../../certs/samples.ts'
import { contextWith } from '../inject/cases.ts'
import { podOf, reviewOf, startWebhook, type TestWebhook, UID } from './start-webhook.ts'

const decisionOf = ({ auditAnnotations = {} }: AdmissionResponse): string => `${auditAnnotations['decision'] ?? ''} ${auditAnnotations['reason'] ?? ''}`

/** A connection on which the test writes byte by byte. */
async function rawConnection ({ port, root }: TestWebhook): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ca: root.authority.bundle })
  socket.on('error', () => undefined) // the server may end it at any time
  await once(socket, 'secureConnect')
  return socket
}

async function saidBy (socket: TLSSocket): Promise<string> {
  const [said] = await once(socket, 'data') as [Buffer]
  return said.toString()
}

const head = (length: number, path = '/inject?timeout=1s'): string => `POST ${path} HTTP/1.1\r\nHost: webhook\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`

async function metric ({ registry }: TestWebhook, name: string, labels: object): Promise<number> {
  const { values = [] } = await registry.getSingleMetric(name)?.get() ?? {}
  return values.find((value) => Object.entries(labels).every(([label, wanted]) => Object.entries(value.labels).some(([is, has]) => is === label && has === wanted)))?.value ?? 0
}

t.test('a pod of a labelled namespace gets its observer by the patch, and the answer says why', async (t) => {
  const webhook = await startWebhook(t)
  const pod = podOf()
  const response = await webhook.review(pod)
  t.match(response, { uid: UID, allowed: true, patchType: 'JSONPatch', auditAnnotations: { decision: 'inject', reason: 'Injected', revision: 'default', template: /^[0-9a-f]{16}$/ } })
  t.notOk(response.warnings)
  const operations = JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString()) as fastJsonPatch.Operation[]
  const { newDocument } = fastJsonPatch.applyPatch(structuredClone(pod), operations, true)
  t.match(newDocument, { spec: { initContainers: [{ name: 'autoshield-observer' }] } })
  t.strictSame(webhook.entries, [], 'the audit puts it on record')
  t.equal(await metric(webhook, 'autoshield_webhook_reviews_total', { webhook: 'inject', decision: 'inject', reason: 'Injected' }), 1)
})

t.test('a dry run gets the same answer and leaves nothing on record', async (t) => {
  const webhook = await startWebhook(t)
  const response = await webhook.review(podOf(0, { annotations: { 'autoshield.dev/status': 'forged' } }), { dryRun: true })
  t.equal(decisionOf(response), 'inject Injected')
  t.ok(response.patch)
  t.strictSame(webhook.entries, [])
})

t.test('what is not injected is let through with its reason, and its author is warned of what is theirs to mend', async (t) => {
  const webhook = await startWebhook(t)
  const withContainer = (name: string): object => ({ ...podOf(), spec: { containers: [{ name, image: 'x' }] } })
  const rows: [string, unknown, Partial<AdmissionRequest>, string, RegExp | null][] = [
    ['no label', podOf(), { namespace: 'plain' }, 'skip NamespaceNotLabelled', null],
    ['unknown namespace', podOf(), { namespace: 'elsewhere' }, 'skip NamespaceUnknown', null],
    ['no namespace', podOf(), { namespace: '' }, 'skip NamespaceUnknown', null],
    ['opts out', podOf(0, { labels: { 'autoshield.dev/inject': 'false' } }), {}, 'skip PodOptedOut', null],
    ['may not opt out', podOf(0, { labels: { 'autoshield.dev/inject': 'false' } }), { namespace: 'strict' }, 'inject Injected', /OptsOut/],
    ['a name of ours', withContainer('autoshield-observer'), {}, 'skip NameTaken', /NameTaken: not observed: .*autoshield-observer/],
    ['a forged status', podOf(0, { annotations: { 'autoshield.dev/status': 'injected, believe me' } }), {}, 'inject Injected', /ForgedStatus/],
    ['another kind', { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }, { kind: { group: '', version: 'v1', kind: 'ConfigMap' } }, 'skip MalformedPod', null],
    ['a pod of another group', podOf(), { kind: { group: 'example.com', version: 'v1', kind: 'Pod' } }, 'skip MalformedPod', null],
    ['an update', podOf(), { operation: 'UPDATE' }, 'skip MalformedPod', null],
    ['a deletion', null, { operation: 'DELETE', oldObject: {} }, 'skip MalformedPod', null],
    ['an ephemeral container', podOf(), { subResource: 'ephemeralcontainers' }, 'skip MalformedPod', null],
    ['no object', null, {}, 'skip MalformedPod', null],
    ['an empty object', {}, {}, 'skip MalformedPod', null],
    ['no metadata', { spec: {} }, {}, 'skip MalformedPod', null],
    ['labels that are no texts', podOf(0, { labels: { a: 1 } }), {}, 'skip MalformedPod', null],
    ['a list for a pod\'s spec', { metadata: {}, spec: [] }, {}, 'skip MalformedPod', null],
  ]
  for (const [name, object, given, expected, warning] of rows) {
    const response = await webhook.review(object, given)
    t.equal(response.allowed, true, name)
    t.equal(decisionOf(response), expected, name)
    t.equal(response.patch !== undefined, expected.startsWith('inject'), name)
    if (warning === null) t.equal(response.warnings, undefined, name)
    else t.match(response.warnings, [warning], name)
  }
  t.match(webhook.entries, [
    { namespace: 'strict', findings: [{ code: 'OptsOut' }], injection: { kind: 'inject', reason: 'Injected' } },
    { namespace: 'shop', findings: [{ code: 'NameTaken' }], injection: { kind: 'skip', reason: 'NameTaken' } },
    { namespace: 'shop', findings: [{ code: 'ForgedStatus', severity: 'high' }], injection: { kind: 'inject', reason: 'Injected' } },
  ])
  t.equal(webhook.entries.length, 3, 'on record is what the audit cannot see after injection, and nothing twice')
})

t.test('a repaired observer goes on record with what was changed of it', async (t) => {
  const webhook = await startWebhook(t)
  const pod = podOf()
  const { patch = '' } = await webhook.review(pod)
  const { newDocument: injected } = fastJsonPatch.applyPatch(structuredClone(pod), JSON.parse(Buffer.from(patch, 'base64').toString()) as fastJsonPatch.Operation[], true)
  t.equal(decisionOf(await webhook.review(injected)), 'skip AlreadyInjected')
  t.strictSame(webhook.entries, [])
  const changed = JSON.parse(JSON.stringify(injected).replace('"readOnlyRootFilesystem":true', '"readOnlyRootFilesystem":false')) as object
  t.equal(decisionOf(await webhook.review(changed)), 'inject Repaired')
  t.match(webhook.entries, [{ review: UID, user: 'anna', operation: 'CREATE', resource: '/v1/pods', namespace: 'shop', name: 'web-', allowed: true, findings: [{ code: 'ObserverChanged' }], injection: { kind: 'inject', reason: 'Repaired' } }])
  t.equal(webhook.entries.length, 1)
})

t.test('each observed pod gets a label of its own, and one that it came with is another pod\'s', async (t) => {
  const webhook = await startWebhook(t)
  const patched = async (pod: object): Promise<{ metadata: { labels: Record<string, string> } }> => {
    const { patch = '' } = await webhook.review(pod)
    return fastJsonPatch.applyPatch(structuredClone(pod), JSON.parse(Buffer.from(patch, 'base64').toString()) as fastJsonPatch.Operation[], true).newDocument as { metadata: { labels: Record<string, string> } }
  }
  const [one, other] = [await patched(podOf(0, { labels: { app: 'web' } })), await patched(podOf(0, { labels: { app: 'web' } }))]
  t.match(one.metadata.labels, { app: 'web', 'autoshield.dev/pod': /^m-[0-9a-f-]{36}$/ })
  const copy = await patched(one)
  t.equal(new Set([one, other, copy].map(({ metadata }) => metadata.labels['autoshield.dev/pod'])).size, 3)
  t.equal((await webhook.review(podOf(0, { labels: { 'autoshield.dev/inject': 'false' } }))).patch, undefined, 'nothing is written to a pod that is kept out')
})

t.test('where pods are labelled when a policy needs it, admission leaves the label alone', async (t) => {
  const context = contextWith({ podLabel: 'mitigation' })
  const webhook = await startWebhook(t, { context: () => context })
  const { patch = '' } = await webhook.review(podOf())
  t.notMatch(Buffer.from(patch, 'base64').toString(), 'autoshield.dev/pod"')
  t.notMatch(Buffer.from(patch, 'base64').toString(), '/metadata/labels')
})

t.test('a warning is one line of 256 characters, whatever the author writes into the pod', async (t) => {
  const webhook = await startWebhook(t)
  const { warnings = [] } = await webhook.review(podOf(0, { annotations: { 'autoshield.dev/source': `\r\nX-Evil: 1\u001b[31m${'x'.repeat(5_000)}`, 'autoshield.dev/sidecar': '\u0000' } }))
  t.ok(warnings.length > 0)
  for (const warning of warnings) {
    t.ok(warning.length <= 256)
    t.notMatch(warning, /\p{Cc}/u)
  }
})

t.test('what is no review is refused with its reason, and its connection is ended', async (t) => {
  const webhook = await startWebhook(t)
  const rows: [string, string | Buffer, number, RegExp][] = [
    ['nothing', '', 400, /no JSON/],
    ['no JSON', '{"kind":', 400, /no JSON/],
    ['bytes', Buffer.from([0xff, 0xfe, 0x00, 0x80]), 400, /no JSON/],
    ['null', 'null', 400, /no AdmissionReview/],
    ['a list', '[]', 400, /no AdmissionReview/],
    ['deep nesting', '['.repeat(200_000), 400, /no JSON/],
    ['another object', '{"kind":"Pod","apiVersion":"v1"}', 400, /no AdmissionReview/],
    ['an older version', JSON.stringify({ ...reviewOf({}), apiVersion: 'admission.k8s.io/v1beta1' }), 400, /Only admission\.k8s\.io\/v1/],
    ['no uid', JSON.stringify(reviewOf({}, { uid: '' })), 400, /uid/],
    ['a long uid', JSON.stringify(reviewOf({}, { uid: 'x'.repeat(254) })), 400, /uid/],
    ['no operation', JSON.stringify(reviewOf({}, { operation: 'PATCH' })), 400, /operation/],
    ['an object that is a text', JSON.stringify(reviewOf('pod')), 400, /object/],
    ['groups that are no list', JSON.stringify(reviewOf({}, { userInfo: { groups: 'all' } })), 400, /groups/],
  ]
  for (const path of ['/inject', '/audit']) {
    for (const [name, body, status, says] of rows) {
      const answer = await webhook.post(path, body)
      t.equal(answer.status, status, name)
      t.match((JSON.parse(answer.body) as { message: string }).message, says, name)
      t.equal(answer.headers.connection, 'close', name)
    }
  }
  t.strictSame(webhook.entries, [])
  t.strictSame(webhook.faults, [], 'none of it is a defect of ours')
})

t.test('a pod nested too deep for us to write out is let through, and the webhook goes on', async (t) => {
  const webhook = await startWebhook(t)
  const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
  const body = JSON.stringify(reviewOf({ metadata: {}, spec: { containers: [{ name: 'DEEP' }] } })).replace('"DEEP"', deep)
  const { status } = await webhook.post('/inject', body)
  t.equal(status, 200)
  t.equal(decisionOf(await webhook.review(podOf())), 'inject Injected')
})

t.test('only reviews are answered: everything else is nowhere', async (t) => {
  const webhook = await startWebhook(t)
  const rows: [string, string, number][] = [['GET', '/inject', 404], ['PUT', '/inject', 404], ['POST', '/', 404], ['POST', '/inject/../../etc', 404], ['GET', '/metrics', 404], ['DELETE', '/audit', 404], ['GET', '/healthz', 200], ['GET', '/%ff', 400]]
  for (const [method, path, status] of rows) t.equal((await webhook.post(path, '', { method })).status, status, `${method} ${path}`)
})

t.test('a fault of ours lets the pod through, is counted each time and told once a minute', async (t) => {
  const webhook = await startWebhook(t, { decide: () => { throw new TypeError('a defect') }, audit: () => { throw new AutoshieldError('INTERNAL', 'another') } })
  for (let count = 0; count < 5; count++) {
    t.strictSame(await webhook.review(podOf()), { uid: UID, allowed: true, auditAnnotations: { decision: 'skip', reason: 'DecidingFailed' } })
    t.equal(decisionOf(await webhook.review(podOf(), {}, '/audit')), 'skip DecidingFailed')
  }
  t.equal(webhook.faults.length, 2, 'one a kind')
  t.equal(await metric(webhook, 'autoshield_webhook_faults_total', { webhook: 'inject' }), 5)
  webhook.clock.nowMs += 61_000
  await webhook.review(podOf())
  t.match(webhook.faults[2], { kind: 'inject', alsoSinceTheLastLine: 4 })
})

t.test('reviews that nobody looked at are told as a gap with their count and span, dry runs apart', async (t) => {
  const webhook = await startWebhook(t, { decide: () => { throw new TypeError('a defect') }, audit: () => { throw new TypeError('another') } })
  const from = new Date(webhook.clock.nowMs).toISOString()
  await webhook.review(podOf())
  webhook.clock.nowMs += 2_000
  await webhook.review(podOf(), {}, '/audit')
  await webhook.review(podOf(), { dryRun: true })
  const until = new Date(webhook.clock.nowMs).toISOString()
  t.strictSame(webhook.gaps, [], 'a gap an entry of the trail: they are summed up first')
  webhook.clock.nowMs += 9_000
  for (let beat = 0; webhook.gaps.length === 0 && beat < 2_000; beat++) await setTimeout(1)
  t.strictSame(webhook.gaps, [{ cause: 'let-through', count: 2, from, until }])
  t.strictSame(webhook.entries, [])
  await webhook.review(podOf())
  await webhook.stop()
  t.match(webhook.gaps[1], { count: 1 }, 'and what is left is told when it stops')
})

t.test('the audit\'s answer is handed on as it is', async (t) => {
  const denial: AdmissionResponse = { uid: UID, allowed: false, status: { code: 403, message: 'no' }, warnings: ['w'], auditAnnotations: { mode: 'enforce' } }
  const webhook = await startWebhook(t, { audit: () => denial })
  t.strictSame(await webhook.review(podOf(), {}, '/audit?timeout=2s'), denial)
  t.equal(await metric(webhook, 'autoshield_webhook_reviews_total', { webhook: 'audit', decision: 'deny' }), 1)
})

t.test('a body over the limit is refused by its head, or as soon as it is over', async (t) => {
  const webhook = await startWebhook(t, { limits: { reviews: 10, bytes: 1 << 20, bodyBytes: 10_000 } })
  const announced = await webhook.post('/inject', 'x'.repeat(10_001))
  t.equal(announced.status, 413)
  const socket = await rawConnection(webhook)
  socket.write('POST /inject HTTP/1.1\r\nHost: webhook\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n')
  socket.write(`2711\r\n${'x'.repeat(10_001)}\r\n`)
  t.match(await saidBy(socket), /^HTTP\/1\.1 413 /)
  socket.destroy()
  t.equal((await webhook.review(podOf(9_000))).allowed, true)
})

t.test('a caller that sends its body too slowly is answered before the API server gives up', async (t) => {
  const webhook = await startWebhook(t)
  const body = JSON.stringify(reviewOf(podOf()))
  const [begun, silent] = [await rawConnection(webhook), await rawConnection(webhook)]
  const startedMs = performance.now()
  begun.write(head(body.length) + body.slice(0, 200))
  silent.write(head(body.length))
  const [first, second] = await Promise.all([saidBy(begun), saidBy(silent)])
  const tookMs = performance.now() - startedMs
  t.match(first, /^HTTP\/1\.1 200 [^]*"allowed":true[^]*DeadlineExceeded/, 'it is known which review it is')
  t.match(second, /^HTTP\/1\.1 408 /)
  t.ok(tookMs >= 700 && tookMs < 1_000, `before the second that the API server waits (${tookMs} ms)`)
  begun.destroy()
  t.equal(await metric(webhook, 'autoshield_webhook_reviews_total', { reason: 'DeadlineExceeded' }), 1)
})

t.test('a caller that goes away is forgotten at once, and nothing is decided for it', async (t) => {
  const webhook = await startWebhook(t)
  const body = JSON.stringify(reviewOf(podOf()))
  const socket = await rawConnection(webhook)
  socket.write(head(body.length) + body.slice(0, -1))
  for (let beat = 0; await metric(webhook, 'autoshield_webhook_bytes_held', {}) === 0 && beat < 1_000; beat++) await setTimeout(1)
  socket.destroy()
  for (let beat = 0; await metric(webhook, 'autoshield_webhook_reviews_held', {}) > 0 && beat < 1_000; beat++) await setTimeout(1)
  t.equal(await metric(webhook, 'autoshield_webhook_bytes_held', {}), 0)
  t.equal(await metric(webhook, 'autoshield_webhook_refused_total', { why: 'vanished' }), 1)
  t.strictSame(webhook.entries, [])
})

t.test('over the bound a review is let through at once, with its own uid and without its body being read', async (t) => {
  const webhook = await startWebhook(t, { limits: { reviews: 2, bytes: 1 << 20, bodyBytes: 1 << 20 } })
  const body = JSON.stringify(reviewOf(podOf()))
  const waiting = await Promise.all([0, 1].map(() => rawConnection(webhook)))
  for (const socket of waiting) socket.write(head(body.length, '/inject?timeout=30s') + body.slice(0, 300))
  for (let beat = 0; await metric(webhook, 'autoshield_webhook_reviews_held', {}) < 2 && beat < 1_000; beat++) await setTimeout(1)
  const third = await rawConnection(webhook)
  third.write(head(body.length, '/audit') + body.slice(0, 300))
  const said = await saidBy(third)
  t.match(said, /^HTTP\/1\.1 200 /)
  t.match(said, new RegExp(`"uid":"${UID}","allowed":true.*Overloaded`))
  t.equal(await metric(webhook, 'autoshield_webhook_reviews_total', { webhook: 'audit', reason: 'Overloaded' }), 1)
  webhook.clock.nowMs += 11_000
  for (let beat = 0; webhook.gaps.length === 0 && beat < 2_000; beat++) await setTimeout(1)
  t.match(webhook.gaps, [{ cause: 'let-through', count: 1 }])
  for (const socket of waiting) socket.write(body.slice(300))
  for (const socket of waiting) t.match(await saidBy(socket), /"decision":"inject"/, 'those before are answered in full')
  t.equal(decisionOf(await webhook.review(podOf())), 'inject Injected', 'and so are those after')
  for (const socket of [...waiting, third]) socket.destroy()
})

t.test('one address that holds every place with heads and no bodies has nobody else let through unseen', async (t) => {
  const webhook = await startWebhook(t, { limits: { reviews: 3, bytes: 1 << 20, bodyBytes: 1 << 20 } })
  const hogs = await Promise.all([0, 1, 2].map(() => rawConnection(webhook)))
  for (const socket of hogs) socket.write(head(1_000, '/audit?timeout=30s') + '{')
  for (let beat = 0; await metric(webhook, 'autoshield_webhook_reviews_held', {}) < 3 && beat < 1_000; beat++) await setTimeout(1)
  const other = new Agent({ keepAlive: true, maxSockets: 1, ca: webhook.root.authority.bundle, localAddress: '127.0.0.2' })
  t.teardown(() => other.destroy())
  const { body } = await webhook.post('/inject', JSON.stringify(reviewOf(podOf())), { agent: other })
  t.match(body, /"decision":"inject"/)
  t.equal(await metric(webhook, 'autoshield_webhook_reviews_held', {}), 2, 'the newest of the others gave its place')
  for (const socket of hogs) socket.destroy()
})

t.test('a burst that takes longer to decide than the API server waits is let through, and the rest decided', async (t) => {
  const state = { slow: false }
  const slowly: typeof decideInjection = (...given) => {
    for (const untilMs = performance.now() + (state.slow ? 60 : 0); performance.now() < untilMs;);
    return decideInjection(...given)
  }
  const webhook = await startWebhook(t, { decide: slowly })
  const burst = async (): Promise<string[]> => Promise.all(Array.from({ length: 40 }, async () => decisionOf(await webhook.review(podOf(), {}, '/inject?timeout=1s'))))
  await burst() // opens the connections
  state.slow = true
  const startedMs = performance.now()
  const answers = await burst()
  t.ok(answers.includes('inject Injected'))
  t.ok(answers.includes('skip DeadlineExceeded'))
  t.ok(performance.now() - startedMs < 1_500, '40 times 60 ms would be 2.4 s')
})

t.test('it is ready while it can answer truthfully, and says in words why not', async (t) => {
  const state = { context: true }
  const whole = contextWith()
  const webhook = await startWebhook(t, { context: () => state.context ? whole : null })
  const ready = async (): Promise<string> => {
    const { status, body } = await webhook.post('/readyz', '', { method: 'GET' })
    return `${status} ${(JSON.parse(body) as { reasons: string[] }).reasons.join('; ')}`
  }
  t.equal(await ready(), '200 ')
  webhook.namespaces.known = false
  t.match(await ready(), /^503 the namespaces/)
  webhook.namespaces.known = true
  state.context = false
  t.match(await ready(), /^503 the settings/)
  t.equal(decisionOf(await webhook.review(podOf())), 'skip NotReady', 'asked all the same, it lets through')
  state.context = true
  webhook.clock.nowMs += 40 * DAY_MS
  t.match(await ready(), /^503 the serving certificate cannot be used: the certificate has ended/)
  webhook.clock.nowMs -= 40 * DAY_MS
  t.equal(await ready(), '200 ')
})

t.test('certificates and roots change under load without one failed review', async (t) => {
  const webhook = await startWebhook(t)
  const roots = [webhook.root, new Root(), new Root()]
  const ca = roots.map(({ authority }) => authority.bundle)
  const body = JSON.stringify(reviewOf(podOf(6_000)))
  const state = { done: false, answered: 0 }
  const caller = async (keepAlive: boolean): Promise<void> => {
    using agent = Object.assign(new Agent({ keepAlive, maxSockets: 1, ca }), { [Symbol.dispose] () { agent.destroy() } })
    while (!state.done) {
      const answer = await webhook.post('/inject?timeout=2s', body, { agent })
      if (answer.status !== 200 || !answer.body.includes('"decision":"inject"')) throw new Error(`${answer.status}: ${answer.body}`)
      state.answered++
    }
  }
  const callers = [true, true, true, false, false, false].map(caller)
  for (let turn = 0; turn < 20; turn++) {
    const before = state.answered
    const root = roots[turn % roots.length] ?? webhook.root
    webhook.credentials.take(root.issue('webhook', { ip: ['127.0.0.1'] }))
    while (state.answered < before + 30) await Promise.race([setTimeout(1), ...callers.map(async (running) => running.then(() => undefined))])
  }
  state.done = true
  await Promise.all(callers)
  t.ok(state.answered >= 600, `${state.answered} reviews`)
  const last = new Agent({ keepAlive: false, ca: roots[19 % roots.length]?.authority.bundle })
  t.equal((await webhook.post('/inject', body, { agent: last })).status, 200, 'a new connection gets the newest certificate')
  t.strictSame(webhook.faults, [])
})

t.test('stopping says so first, answers what is in flight, and then is gone', async (t) => {
  const webhook = await startWebhook(t, { drainMs: 300 })
  const body = JSON.stringify(reviewOf(podOf()))
  const socket = await rawConnection(webhook)
  socket.write(head(body.length, '/inject?timeout=10s') + body.slice(0, 300))
  for (let beat = 0; await metric(webhook, 'autoshield_webhook_reviews_held', {}) === 0 && beat < 1_000; beat++) await setTimeout(1)
  const stopped = webhook.stop()
  t.match(await webhook.post('/readyz', '', { method: 'GET' }), { status: 503, body: /it is stopping/ })
  const during = await webhook.post('/inject', body)
  t.equal(during.status, 200, 'while endpoints are brought up to date, reviews are answered')
  t.equal(during.headers.connection, 'close', 'and callers are sent elsewhere')
  await setTimeout(400)
  socket.write(body.slice(300))
  t.match(await saidBy(socket), /"decision":"inject"/, 'what was in flight when it closed')
  await stopped
  await t.rejects(webhook.post('/inject', body))
})

t.test('what is in flight for longer than the deadline of stopping is cut', async (t) => {
  const webhook = await startWebhook(t, { stopMs: 100 })
  const socket = await rawConnection(webhook)
  socket.write(head(1_000, '/inject?timeout=30s') + 'x')
  const startedMs = performance.now()
  const closed = once(socket, 'close')
  await webhook.stop()
  await closed
  t.ok(performance.now() - startedMs < 2_000)
})

t.test('whoever opens too many connections loses its own, and a silent handshake does not hold one', async (t) => {
  const webhook = await startWebhook(t, { connections: 8 })
  const patient = new Agent({ keepAlive: true, maxSockets: 1, ca: webhook.root.authority.bundle, localAddress: '127.0.0.2' })
  t.teardown(() => patient.destroy())
  const body = JSON.stringify(reviewOf(podOf()))
  t.equal((await webhook.post('/inject', body, { agent: patient })).status, 200)
  const { createConnection } = await import('node:net')
  const flood = Array.from({ length: 40 }, () => createConnection({ host: '127.0.0.1', port: webhook.port }).on('error', () => undefined))
  await Promise.all(flood.map(async (socket) => { if (socket.connecting) await once(socket, 'connect') }))
  t.equal((await webhook.post('/inject', body, { agent: patient })).status, 200, 'the one from another address is untouched')
  const fresh = new Agent({ keepAlive: false, ca: webhook.root.authority.bundle, localAddress: '127.0.0.3' })
  t.equal((await webhook.post('/inject', body, { agent: fresh })).status, 200, 'and so is a new one')
  t.ok(await metric(webhook, 'autoshield_webhook_connections_dropped_total', {}) >= 30)
  for (const socket of flood) socket.destroy()
})

t.test('thousands of slow and huge callers at once are answered within bounds of memory', { timeout: 60_000 }, async (t) => {
  const limits = { reviews: 128, bytes: 8 << 20, bodyBytes: 2 << 20 }
  const webhook = await startWebhook(t, { limits, connections: 400 })
  const huge = JSON.stringify(reviewOf({ metadata: {}, spec: { containers: [{ name: 'x'.repeat(1_500_000) }] } }))
  const slow = head(1_000_000, '/inject?timeout=30s') + JSON.stringify(reviewOf(podOf())).slice(0, 300)
  let [most, opened] = [{ reviews: 0, bytes: 0 }, 0]
  const look = async (): Promise<void> => {
    const [reviews, bytes] = await Promise.all(['reviews', 'bytes'].map((what) => metric(webhook, `autoshield_webhook_${what}_held`, {})))
    most = { reviews: Math.max(most.reviews, reviews ?? 0), bytes: Math.max(most.bytes, bytes ?? 0) }
  }
  const held = new Set<TLSSocket>()
  const callers = Array.from({ length: 40 }, async (_, caller) => {
    for (let call = 0; call < 50; call++) {
      const socket = await rawConnection(webhook).catch(() => null) // dropped in its handshake: there were too many
      opened++
      if (socket === null) continue
      held.add(socket)
      socket.once('close', () => held.delete(socket))
      socket.resume()
      socket.write(caller % 4 === 0 && call % 5 === 0 ? head(Buffer.byteLength(huge), '/inject?timeout=30s') + huge : slow)
      await look()
      if (call % 7 === 6) for (const old of [...held].slice(0, 3)) old.destroy()
    }
  })
  await Promise.all(callers)
  t.equal(opened, 2_000)
  t.ok(most.reviews > 64 && most.reviews <= limits.reviews, `${most.reviews} reviews held at most`)
  t.ok(most.bytes > 0 && most.bytes <= limits.bytes + (64 << 10), `${most.bytes} bytes held at most`)
  t.ok(await metric(webhook, 'autoshield_webhook_reviews_total', { reason: 'Overloaded' }) > 0)
  for (const socket of held) socket.destroy()
  for (let beat = 0; await metric(webhook, 'autoshield_webhook_reviews_held', {}) > 0 && beat < 2_000; beat++) await setTimeout(1)
  t.equal(await metric(webhook, 'autoshield_webhook_bytes_held', {}), 0, 'and nothing is kept of them')
  t.equal(decisionOf(await webhook.review(podOf())), 'inject Injected')
})
