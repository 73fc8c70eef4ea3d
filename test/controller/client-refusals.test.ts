import t from 'tap'
import { openAuditTrail } from '../../src/adapters/store/audit-trail.ts'
import { ClientRefusals } from '../../src/controller/client-refusals.ts'
import type { NumberedRefusal } from '../../src/ports/proxies.ts'
import { Bench } from './bench.ts'

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

t.test('whom the detector refuses is in the trail by name, and counted with or without traffic', async (t) => {
  await using bench = await Bench.start(t.testdir())
  const liar = { reason: 'NotYours', details: 'a pair window has none of the reporter\'s own addresses at its end', peer: '10.0.0.7', identity: 'spiffe://d/ns/shop/pod/u', count: 4 }
  await bench.scores.tell({ type: 'refusals', refusals: [liar, { ...liar, reason: 'NoIdentity', identity: null, count: 1 }] })
  t.match(bench.audit.search({ action: 'detector.refused' }).toReversed(), [
    { actor: liar.identity, object: 'detector', reason: 'NotYours', detail: { peer: '10.0.0.7', count: 4, words: /none of the reporter's own addresses.*, and 3 more/ } },
    { actor: 'address/10.0.0.7', object: 'detector', reason: 'NoIdentity' },
  ])
  const stats = { observers: 1, packets: 0, flows: 0, windows: 0, tensors: 0, keys: 0, dropped: 0, malformed: 0, forgedSent: 3, forging: {}, refused: { NotYours: 4 } }
  await bench.scores.tell({ type: 'stats', stats })
  await bench.scores.tell({ type: 'traffic', atMs: 0, edges: [], stats: { ...stats, forgedSent: 5 } })
  t.strictSame(bench.metrics.counted.filter((line) => line.startsWith('detector')), ['detector 3 {"NotYours":4}', 'detector 5 {"NotYours":4}'])
})
