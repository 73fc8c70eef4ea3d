import fastJsonPatch from 'fast-json-patch'
import fc, { type Arbitrary } from 'fast-check'
import t from 'tap'
import type { AdmissionEntry } from '../../../src/core/admission/entry.ts'
import { REASON_CODES } from '../../../src/core/reason.ts'
import { AdmissionAudit, ownServiceAccounts } from '../../../webhook/audit/admission-audit.ts'
import { decideInjection } from '../../../webhook/inject/decide.ts'
import type { AdmissionResponse } from '../../../webhook/review.ts'
import { bodyOf } from '../../../webhook/server/answers.ts'
import { Injector } from '../../../webhook/server/injector.ts'
import { readReview } from '../../../webhook/server/read-review.ts'
import { reviewersOf } from '../../../webhook/server/reviewers.ts'
import { contextWith } from '../inject/cases.ts'
import { anyPod, validPod } from '../inject/pods.ts'
import { podOf, reviewOf, SaidNamespaces } from './start-webhook.ts'

/** Together 100,000 for each of the two webhooks. */
const RUNS = { pods: 40_000, anything: 30_000, texts: 30_000 } as const

t.setTimeout(300_000)

const context = contextWith()
const namespaces = new SaidNamespaces({ shop: { 'autoshield.dev/injection': 'enabled' }, strict: { 'autoshield.dev/injection': 'required', 'autoshield.dev/admission': 'enforce' }, plain: {} })
const recorded: AdmissionEntry[] = []
const parts = { namespaces, log: { record: (entry: AdmissionEntry) => { recorded.push(entry) } }, clock: { now: () => 1_767_225_600_000 } }
const audit = new AdmissionAudit({ ...parts, ownNamespace: 'autoshield', ownUsers: ownServiceAccounts('autoshield'), excludedNamespaces: ['kube-system'], decideInjection: { decide: decideInjection, context: () => context } })
const reviewers = reviewersOf(new Injector({ ...parts, decide: decideInjection, context: () => context }), audit)

let patched = 0

/** What both webhooks make of a body, checked; throws for whatever may never be. */
function judge (body: string): void {
  recorded.length = 0
  const read = readReview(body)
  if (read.kind === 'refused') return
  const { request } = read
  const before = JSON.stringify(request)
  for (const webhook of ['inject', 'audit'] as const) {
    const { response } = JSON.parse(bodyOf(reviewers[webhook].review(request).response)) as { response: AdmissionResponse }
    if (response.uid !== request.uid) throw new Error('the answer is to another review')
    if (webhook === 'audit') continue
    if (!response.allowed) throw new Error('injection never denies')
    if (!REASON_CODES.some((code) => code === response.auditAnnotations?.['reason'])) throw new Error('no reason')
    if (response.patch === undefined) continue
    applies(request.object, response.patch)
    patched++
  }
  if (JSON.stringify(request) !== before) throw new Error('the review was changed')
  // The audit's entry is the last; before it stands one of the injector where that has something to tell, and nothing else.
  const told = recorded.slice(0, -1).filter(({ findings, injection }) => findings.length > 0 || injection?.reason === 'Repaired')
  if (request.dryRun === true ? recorded.length > 0 : recorded.length !== told.length + 1 || told.length > 1) throw new Error(`${recorded.length} entries`)
}

/** An independent implementation of RFC 6902 must take the patch, and the pod must have its observer once. */
function applies (object: unknown, patch: string): void {
  const operations = JSON.parse(Buffer.from(patch, 'base64').toString()) as fastJsonPatch.Operation[]
  const { newDocument } = fastJsonPatch.applyPatch(structuredClone(object) as { spec: { containers?: { name?: string }[] | null, initContainers?: { name?: string }[] | null } }, operations, true)
  const observers = [...newDocument.spec.initContainers ?? [], ...newDocument.spec.containers ?? []].filter((container) => (container as { name?: string } | null)?.name === 'autoshield-observer')
  if (observers.length !== 1) throw new Error(`${observers.length} observers`)
}

const frame: Arbitrary<object> = fc.record({
  namespace: fc.constantFrom('shop', 'strict', 'plain', 'elsewhere', ''),
  operation: fc.constantFrom('CREATE', 'CREATE', 'CREATE', 'UPDATE', 'DELETE', 'CONNECT'),
  subResource: fc.constantFrom('', 'exec', 'ephemeralcontainers'),
  dryRun: fc.boolean(),
  userInfo: fc.record({ username: fc.string(), groups: fc.array(fc.string(), { maxLength: 3 }) }, { requiredKeys: [] }),
}, { requiredKeys: ['namespace', 'operation'] })

const check = (bodies: Arbitrary<string>, numRuns: number): void => fc.assert(fc.property(bodies, judge), { numRuns })

t.test('whatever pod comes, there is an answer, and a patch that an independent implementation applies', async (t) => {
  // Half of them as the API server asks about a new pod: only those can come to a patch.
  const asked = fc.oneof(fc.constantFrom<object>({ namespace: 'shop', operation: 'CREATE' }, { namespace: 'strict', operation: 'CREATE' }), frame)
  check(fc.tuple(asked, fc.oneof(anyPod, validPod('privileged'))).map(([given, pod]) => JSON.stringify(reviewOf(pod, given))), RUNS.pods)
  t.ok(patched > RUNS.pods / 20, `${patched} were patched, so something was tried`)
})

t.test('whatever JSON stands where a pod or a part of the request should be, nothing fails', async () => {
  const part = fc.constantFrom('object', 'oldObject', 'kind', 'resource', 'userInfo', 'namespace', 'options', 'uid', 'name', 'dryRun')
  const spec = fc.record({ metadata: fc.jsonValue(), spec: fc.jsonValue() }, { requiredKeys: [] })
  check(fc.tuple(frame, part, fc.oneof(fc.jsonValue(), spec)).map(([given, name, value]) => JSON.stringify(reviewOf(podOf(), { ...given, [name]: value }))), RUNS.anything)
})

t.test('whatever becomes of the text of a review on its way, nothing fails', async () => {
  const text = JSON.stringify(reviewOf(podOf(600)))
  const edit = fc.tuple(fc.nat(text.length - 1), fc.nat(12), fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('{}', '[]', 'null', '"', '-1e999', '"__proto__":', '\\u0000', ',', 'true')))
  check(fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) => edits.reduce((now, [at, length, put]) => now.slice(0, at) + put + now.slice(at + length), text)), RUNS.texts)
})
