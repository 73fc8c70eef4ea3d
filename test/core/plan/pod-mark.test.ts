import { randomUUID } from 'node:crypto'
import t from 'tap'
import { identityLabel, isMark, markOf } from '../../../src/core/plan/pod-mark.ts'

t.test('a pod is selected by its mark where that is its own, else by its UID', async (t) => {
  const [uid, mark] = [randomUUID(), markOf(randomUUID())]
  const of = (labels: Record<string, string>, own?: string) => identityLabel({ uid, labels, ...(own !== undefined && { mark: own }) })
  t.match(of({ 'autoshield.dev/pod': mark }, mark), { value: mark, present: true })
  t.match(of({ 'autoshield.dev/pod': mark }), { value: uid, present: false }, 'another bears it, too')
  t.match(of({}), { value: uid, present: false })
  t.match(of({ 'autoshield.dev/pod': uid }), { value: uid, present: true })
})

t.test('no UID is taken for a mark, and no other text', async (t) => {
  t.ok(isMark(markOf(randomUUID())))
  for (const text of [randomUUID(), '', 'm-', `m-${randomUUID()}x`, 'm-web', `M-${randomUUID()}`]) t.notOk(isMark(text), text)
})
