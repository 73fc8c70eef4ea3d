import fastify from 'fastify'
import t, { type Test } from 'tap'
import { openAuditTrail } from '../../../src/adapters/store/audit-trail.ts'
import { AdmissionTrail } from '../../../src/controller/admissions/admission-trail.ts'
import { PodContext } from '../../../src/controller/admissions/context.ts'
import { admissionIntake } from '../../../src/controller/admissions/intake.ts'
import { verifyAudit } from '../../../src/adapters/store/verify-audit.ts'
import { BOOT, made } from '../../webhook/shipping/made-entry.ts'

const WEBHOOK = { trustDomain: 'autoshield.local', namespace: 'autoshield', uid: 'webhook' }

async function stage (t: Test) {
  const dir = t.testdir({})
  const audit = openAuditTrail(dir, { clock: { now: () => 0 } })
  t.teardown(() => audit[Symbol.asyncDispose]())
  const trail = new AdmissionTrail({ audit, context: new PodContext(), metrics: { recorded: () => undefined, duplicate: () => undefined, gap: () => undefined } })
  const app = fastify()
  await app.register(admissionIntake({ trail, webhook: WEBHOOK, identify: () => WEBHOOK }))
  t.teardown(() => app.close())
  const post = async (payload: string | object) => app.inject({ method: 'POST', url: '/v1/admissions', headers: { 'content-type': 'application/json' }, payload })
  return { post, audit, dir }
}

t.test('what can never be taken is refused for good', async (t) => {
  const { post, audit } = await stage(t)
  for (const [what, payload] of [
    ['no JSON', '{'],
    ['another schema', { boot: BOOT, items: [{ sequence: 1, entry: { ...made('a'), colour: 'red' } }] }],
    ['an unknown finding', { boot: BOOT, items: [{ sequence: 1, entry: { ...made('a'), findings: [{ code: 'Nonsense', severity: 'high', message: '' }] } }] }],
    ['a time that is none', { boot: BOOT, items: [{ sequence: 1, entry: made('a', 'yesterday') }] }],
    ['a boot that is none', { boot: 'x', items: [{ sequence: 1, entry: made('a') }] }],
    ['nothing', { boot: BOOT, items: [] }],
    ['more than fits', 'x'.repeat(3 << 20)],
  ] as const) {
    const { statusCode, body } = await post(payload)
    t.equal(statusCode, 422, `${what}: ${body}`)
    t.match(JSON.parse(body), { code: 'BAD_DATA' })
  }
  t.same(audit.search({}), [])
})

t.test('two sendings of one batch at once are written once, and both are acknowledged', async (t) => {
  const { post, audit, dir } = await stage(t)
  const batch = { boot: BOOT, items: [1, 2, 3].map((sequence) => ({ sequence, entry: made(`r${sequence}`) })) }
  const answers = await Promise.all([post(batch), post(batch)])
  t.same(answers.map(({ statusCode, body }) => [statusCode, body]), [[200, '{"acknowledged":3}'], [200, '{"acknowledged":3}']])
  t.equal(audit.search({}).length, 3)
  t.match(verifyAudit(dir), { ok: true })
})
