import t from 'tap'
import { ForgedSenders } from '../../src/detector/forged-senders.ts'

const T0 = Date.UTC(2026, 0, 1)

t.test('packets of the last minute are told by pod, and older ones forgotten with the pods that sent nothing since', async (t) => {
  const senders = new ForgedSenders()
  senders.add('u7', 100, T0)
  senders.add('u8', 0, T0)
  senders.add('u7', 40, T0 + 30_000)
  senders.add('u9', 5, T0 + 30_000)
  t.same(senders.recent(T0 + 30_000), { u7: 140, u9: 5 })
  t.same(senders.recent(T0 + 59_999), { u7: 140, u9: 5 })
  t.same(senders.recent(T0 + 65_000), { u7: 40, u9: 5 })
  t.same(senders.recent(T0 + 95_000), {})
})

t.test('many pods with a packet each crowd out none that sends thousands', async (t) => {
  const senders = new ForgedSenders()
  senders.add('attacker', 5_000, T0)
  for (let pod = 0; pod < 500; pod++) senders.add(`u${pod}`, 1, T0 + pod)
  const recent = senders.recent(T0 + 1_000)
  t.equal(recent['attacker'], 5_000)
  t.equal(Object.keys(recent).length, 64)
})
