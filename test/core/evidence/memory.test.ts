import t from 'tap'
import { Value } from 'typebox/value'
import { emptyMemory, noteAttack, see, trust } from '../../../src/core/evidence/memory.ts'
import { KNOWN_AFTER_HOURS } from '../../../src/core/evidence/remembering.ts'
import { restoreMemory, SavedMemory, saveMemory } from '../../../src/core/evidence/saved-memory.ts'

const HOUR = 3_600_000
const T0 = Date.UTC(2026, 0, 2, 3)
const seen = (source: string, port: number, atMs: number) => ({ key: { kind: 'pair', source, destination: '10.0.0.9' }, ports: [{ port }], atMs }) as const
const byAddress = (address: string): string => address

t.test('a use is known after four hours without suspicion, however often it is seen in one', async (t) => {
  const memory = emptyMemory()
  const use = (atMs: number): number => {
    const past = see(memory, seen('10.0.0.7', 22, atMs), byAddress)
    trust(memory, seen('10.0.0.7', 22, atMs), byAddress)
    return past?.ports.get(22)?.hours ?? -1
  }
  for (let minute = 0; minute < 59; minute++) use(T0 + minute * 60_000)
  t.equal(use(T0 + 59 * 60_000), 1)
  for (let hour = 1; hour < 9; hour++) use(T0 + hour * HOUR)
  t.equal(use(T0 + 9 * HOUR), KNOWN_AFTER_HOURS)
})

t.test('what is suspected teaches nothing, and what nobody saw for two weeks is new again', async (t) => {
  const memory = emptyMemory()
  for (let hour = 0; hour < 9; hour++) see(memory, seen('10.0.0.7', 22, T0 + hour * HOUR), byAddress)
  t.equal(see(memory, seen('10.0.0.7', 22, T0 + 9 * HOUR), byAddress)?.ports.get(22)?.hours, 0)
  trust(memory, seen('10.0.0.7', 22, T0 + 9 * HOUR), byAddress)
  t.equal(see(memory, seen('10.0.0.7', 22, T0 + 400 * HOUR), byAddress)?.ports.get(22)?.firstMs, T0 + 400 * HOUR)
})

t.test('a new pod of a workload is no stranger', async (t) => {
  const memory = emptyMemory()
  const byWorkload = (address: string): string => address.startsWith('10.0.1.') ? 'shop/Deployment/web' : address
  see(memory, seen('10.0.1.1', 5432, T0), byWorkload)
  t.equal(see(memory, seen('10.0.1.2', 5432, T0 + HOUR), byWorkload)?.ports.get(5432)?.firstMs, T0)
  t.equal(see(memory, seen('10.0.2.2', 5432, T0 + HOUR), byWorkload)?.ports.get(5432)?.firstMs, T0 + HOUR)
})

t.test('pairs are bounded, and what went is counted', async (t) => {
  const memory = emptyMemory()
  for (let i = 0; i < 20_010; i++) see(memory, seen(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 80, T0), byAddress)
  t.equal(memory.pairs.size, 20_000)
  t.ok(memory.evicted >= 10)
})

t.test('it goes on after a restart as it was', async (t) => {
  const memory = emptyMemory()
  see(memory, seen('10.0.0.7', 22, T0), byAddress)
  trust(memory, seen('10.0.0.7', 22, T0), byAddress)
  noteAttack(memory, '10.0.0.9', { className: 'BRUTE_FORCE', source: '10.0.0.7', atMs: T0 })
  const restored = emptyMemory()
  restoreMemory(restored, Value.Parse(SavedMemory, JSON.parse(JSON.stringify(saveMemory(memory)))))
  t.strictSame(restored, memory)
})
