import t from 'tap'
import { openAuditTrail } from '../../src/adapters/store/audit-trail.ts'
import { ClientRefusals } from '../../src/controller/client-refusals.ts'
import type { NumberedRefusal } from '../../src/ports/proxies.ts'

const numbered = (...sequences: readonly number[]): readonly NumberedRefusal[] =>
  sequences.map((sequence) => ({ sequence, atMs: Date.UTC(2026, 0, 1), reason: 'Revoked', details: 'its pod is gone', peer: '10.0.0.7', identity: 'spiffe://d/ns/shop/pod/u', count: 1 }))

t.test('each refusal is in the trail once, with who, why and when, over retries and restarts', async (t) => {
  const data = t.testdir()
  const clock = { now: Date.now }
  const written = (audit: Pick<ReturnType<typeof openAuditTrail>, 'search'>) => audit.search({ action: 'xds.refused' }).map(({ detail }) => `${String(detail['instance'])} ${String(detail['sequence'])}`).reverse()
  {
    await using audit = openAuditTrail(data, { clock })
    const refusals = new ClientRefusals(audit)
    await Promise.all([refusals.take('one', numbered(1, 2)), refusals.take('one', numbered(1, 2, 3)), refusals.take('two', numbered(1))])
    t.strictSame(written(audit).sort(), ['one 1', 'one 2', 'one 3', 'two 1'])
    t.match(audit.search({ text: '"sequence":3' }), [{
      actor: 'spiffe://d/ns/shop/pod/u', object: 'xds', reason: 'Revoked', detail: { at: '2026-01-01T00:00:00.000Z', peer: '10.0.0.7', words: 'its pod is gone', count: 1 },
    }])
  }
  await using audit = openAuditTrail(data, { clock })
  const refusals = new ClientRefusals(audit)
  await refusals.take('one', numbered(2, 3, 4))
  t.strictSame(written(audit).sort(), ['one 1', 'one 2', 'one 3', 'one 4', 'two 1'])
})

t.test('what the store does not take is not taken, and may come again', async (t) => {
  await using audit = openAuditTrail(t.testdir(), { clock: { now: Date.now } })
  let full = true
  const refusals = new ClientRefusals({ search: (query) => audit.search(query), append: async (entry) => full ? Promise.reject(new Error('disk full')) : audit.append(entry) })
  await t.rejects(refusals.take('one', numbered(1)), /disk full/)
  full = false
  await refusals.take('one', numbered(1))
  t.equal(audit.search({ action: 'xds.refused' }).length, 1)
})
