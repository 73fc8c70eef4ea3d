import t from 'tap'
import { Check } from 'typebox/value'
import { AdmissionBatch, MAX_BATCH_BYTES, MAX_BATCH_ITEMS } from '../../../src/core/admission/batch.ts'
import { EntryQueue, type OutgoingBatch } from '../../../webhook/shipping/entry-queue.ts'
import { BOOT, made, marked } from './made-entry.ts'

function read (batch: OutgoingBatch | null): AdmissionBatch {
  const value: unknown = JSON.parse(batch?.body ?? 'null')
  if (!Check(AdmissionBatch, value)) throw new Error(`no batch: ${batch?.body ?? 'null'}`)
  return value
}
const said = (batch: OutgoingBatch | null): string[] => read(batch).items.map(({ sequence, entry, gap }) => `${sequence} ${entry?.review ?? `gap of ${String(gap?.count)} by ${String(gap?.cause)}`}`)

t.test('a batch stays the same until it is acknowledged', async (t) => {
  const queue = new EntryQueue(BOOT, { items: 10, bytes: 1 << 20 })
  t.equal(queue.next(), null)
  queue.add(made('a'))
  const first = queue.next()
  queue.add(made('b'))
  t.equal(queue.next(), first)
  t.same(said(first), ['1 a'])
  queue.acknowledge()
  t.same(said(queue.next()), ['2 b'])
  queue.acknowledge()
  t.equal(queue.next(), null)
  t.equal(queue.size, 0)
})

t.test('what has a finding outlives what has none, and the loss is told first', async (t) => {
  const queue = new EntryQueue(BOOT, { items: 3, bytes: 1 << 20 })
  for (const entry of [made('a'), marked('b'), made('c'), marked('d'), made('e', '2026-03-01T12:00:09.000Z')]) queue.add(entry)
  t.equal(queue.lost, 2)
  t.same(said(queue.next()), ['1 gap of 2 by overflow', '2 b', '3 d', '4 e'])
  t.match(read(queue.next()).items[0]?.gap, { from: made('a').at, until: made('c').at })
  queue.acknowledge()
  for (const review of ['f', 'g', 'h', 'i']) queue.add(marked(review))
  t.same(said(queue.next()), ['5 gap of 1 by overflow', '6 g', '7 h', '8 i'], 'where all have one, the oldest goes')
})

t.test('what is under way is not dropped', async (t) => {
  const queue = new EntryQueue(BOOT, { items: 2, bytes: 1 << 20 })
  queue.add(made('a'))
  queue.add(made('b'))
  const first = queue.next()
  queue.add(made('c'))
  t.equal(queue.next(), first)
  queue.acknowledge()
  t.same(said(queue.next()), ['3 gap of 1 by overflow'])
})

t.test('memory is bounded in bytes', async (t) => {
  const queue = new EntryQueue(BOOT, { items: 1_000_000, bytes: 100_000 })
  for (let n = 0; n < 1_000; n++) queue.add(made(`r${n}`))
  const { length } = JSON.stringify(made('r999'))
  t.ok(queue.size <= 100_000 / length + 1 && queue.size >= 100_000 / length - 2, String(queue.size))
  t.equal(queue.lost, 1_000 - queue.size)
})

t.test('batches are bounded in items and bytes, and hold the order', async (t) => {
  const queue = new EntryQueue(BOOT, { items: 10_000, bytes: 1 << 30 })
  for (let n = 0; n < 500; n++) queue.add(n % 3 === 0 ? marked(String(n)) : made(String(n)))
  const got: string[] = []
  for (let batch = queue.next(); batch !== null; batch = queue.next()) {
    t.ok(batch.items <= MAX_BATCH_ITEMS && batch.body.length < 2 * MAX_BATCH_BYTES)
    got.push(...said(batch))
    queue.acknowledge()
  }
  t.same(got, Array.from({ length: 500 }, (_, n) => `${n + 1} ${n}`))
})

t.test('a refused batch becomes a gap', async (t) => {
  const queue = new EntryQueue(BOOT, { items: 10, bytes: 1 << 20 })
  queue.add(made('a'))
  queue.add(made('b'))
  queue.next()
  queue.refuse()
  t.equal(queue.lost, 2)
  t.same(said(queue.next()), ['3 gap of 2 by refused'])
  queue.refuse()
  t.equal(queue.lost, 2, 'a gap that is refused is no new loss')
  t.equal(queue.next(), null, 'and is not told for ever')
})

t.test('a gap of a cause that the controller does not know is told once more as refused', async (t) => {
  const queue = new EntryQueue(BOOT, { items: 10, bytes: 1 << 20 })
  queue.addGap({ cause: 'let-through', count: 3, from: made('a').at, until: made('a').at })
  t.same(said(queue.next()), ['1 gap of 3 by let-through'])
  queue.addGap({ cause: 'let-through', count: 2, from: made('a').at, until: made('a').at })
  queue.refuse()
  t.same(said(queue.next()), ['2 gap of 5 by refused'], 'with what came meanwhile')
  queue.refuse()
  t.equal(queue.next(), null)
})

t.test('reviews that nobody looked at are told before the entries that follow, and are no lost entries', (t) => {
  const queue = new EntryQueue(BOOT, { items: 10, bytes: 1 << 20 })
  const gap = { cause: 'let-through', from: made('a').at, until: made('a').at } as const
  queue.addGap({ ...gap, count: 3 })
  queue.add(made('a'))
  t.same(said(queue.next()), ['1 gap of 3 by let-through', '2 a'])
  t.equal(queue.lost, 0)
  queue.acknowledge()
  t.equal(queue.next(), null)
  t.end()
})
