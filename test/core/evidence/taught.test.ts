import t from 'tap'
import { Value } from 'typebox/value'
import { forgetBaselines, listBaselines } from '../../../src/core/evidence/baseline-book.ts'
import type { BaselineSpec } from '../../../src/core/evidence/baseline-entry.ts'
import { learnHabits } from '../../../src/core/evidence/known-for.ts'
import { emptyMemory, see, trust, type Memory } from '../../../src/core/evidence/memory.ts'
import { restoreMemory, SavedMemory, saveMemory } from '../../../src/core/evidence/saved-memory.ts'
import { readTaught, taughtAmount, taughtId } from '../../../src/core/evidence/taught.ts'
import type { WindowKey } from '../../../src/core/window/window.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const T0 = Date.UTC(2026, 0, 2, 3)
const BASTION = 'ops/StatefulSet/bastion'
const byWorkload = (address: string): string => address === '10.0.0.7' ? BASTION : address
const pair = (destination: string): WindowKey => ({ kind: 'pair', source: '10.0.0.7', destination })
const logins: BaselineSpec = { source: BASTION, knownFor: 'sessions', port: 22, amount: 200, until: new Date(T0 + 30 * DAY).toISOString(), reason: 'it logs in everywhere' }

function taught (memory: Memory, spec: BaselineSpec): void {
  const read = readTaught(spec, 'ann', T0)
  if (!read.ok) throw new Error(read.problems.join('; '))
  memory.taught.set(taughtId(read.taught), read.taught)
}

/** The bastion logs in to two hosts in four hours. */
function known (): Memory {
  const memory = emptyMemory()
  for (let hour = 0; hour < 4; hour++) {
    for (const host of ['10.0.0.8', '10.0.0.9']) {
      const seen = { key: pair(host), ports: [{ port: 22 }, { port: 80 }], atMs: T0 + hour * HOUR }
      see(memory, seen, byWorkload)
      trust(memory, seen, byWorkload)
      learnHabits(memory, { key: pair(host), stepMs: 15_000, atMs: seen.atMs }, [{ measure: 'sessions', port: 22, amount: 40 }], byWorkload)
    }
  }
  return memory
}

t.test('what a person says of a workload holds for each pair of it, until its end', async (t) => {
  const memory = emptyMemory()
  taught(memory, logins)
  taught(memory, { ...logins, target: '10.0.0.9', amount: 500 })
  t.equal(taughtAmount(memory.taught, pair('10.0.0.8'), T0, byWorkload)('sessions', 22), 200)
  t.equal(taughtAmount(memory.taught, pair('10.0.0.9'), T0, byWorkload)('sessions', 22), 500)
  t.equal(taughtAmount(memory.taught, { kind: 'fan-out', source: '10.0.0.7' }, T0, byWorkload)('sessions', 22), 200)
  t.equal(taughtAmount(memory.taught, pair('10.0.0.8'), T0, byWorkload)('sessions', 23), null)
  t.equal(taughtAmount(memory.taught, { kind: 'pair', source: '10.0.0.6', destination: '10.0.0.8' }, T0, byWorkload)('sessions', 22), null)
  t.equal(taughtAmount(memory.taught, pair('10.0.0.8'), T0 + 30 * DAY, byWorkload)('sessions', 22), null)
})

t.test('what says too little, too much or too long is refused with its place and mend', async (t) => {
  const problems = (more: Partial<BaselineSpec>): string => {
    const read = readTaught({ ...logins, ...more }, 'ann', T0)
    return read.ok ? '' : read.problems.join('; ')
  }
  t.match(problems({ source: 'bastion' }), /spec\.source: "bastion" is neither a workload nor an address: write NAMESPACE\/KIND\/NAME/)
  t.match(problems({ knownFor: 'upload' }), /spec\.port: upload is of no one port: leave it out/)
  t.match(problems({ knownFor: 'use' }), /spec\.amount: a use has no amount/)
  t.match(problems({ until: new Date(T0).toISOString() }), /spec\.until: .* has passed/)
  t.match(problems({ until: new Date(T0 + 91 * DAY).toISOString() }), /more than 90 days/)
  const { source: _, ...nobody } = logins
  const { amount: __, ...howMuch } = logins
  const read = [nobody, howMuch].map((spec) => readTaught(spec, 'ann', T0))
  t.match(read, [{ ok: false, problems: [/speak for everybody/] }, { ok: false, problems: [/say how much sessions/] }])
})

t.test('the list shows what is known, what is being learnt, what was said and when each expires', async (t) => {
  const memory = known()
  taught(memory, logins)
  see(memory, { key: pair('10.0.0.8'), ports: [{ port: 443 }], atMs: T0 }, byWorkload)
  const now = T0 + 4 * HOUR
  const list = listBaselines(memory, now, '10.0.0.8')
  t.match(list, [
    { id: `${BASTION}>10.0.0.8 sessions:22@15000`, source: BASTION, target: '10.0.0.8', knownFor: 'sessions', port: 22, stepMs: 15_000, amount: 40, hours: 4, known: true, expires: new Date(T0 + 3 * HOUR + 14 * DAY).toISOString(), taught: null },
    { knownFor: 'use', port: 22, amount: null, hours: 4, known: true },
    { knownFor: 'use', port: 443, hours: 0, known: false, expires: new Date(T0 + 14 * DAY).toISOString() },
    { knownFor: 'use', port: 80 },
  ])
  t.equal(listBaselines(memory, now, BASTION).length, 8)
  t.match(listBaselines(memory, now, null).find(({ taught }) => taught !== null), { source: BASTION, target: null, amount: 200, known: true, expires: logins.until, taught: { by: 'ann', reason: 'it logs in everywhere' } })
  t.strictSame(listBaselines(memory, T0 + 60 * DAY, null), [])
})

t.test('a port of a pair, a pair, and all of a workload can be forgotten, and nothing beside', async (t) => {
  const ids = (memory: Memory): string[] => listBaselines(memory, T0 + 4 * HOUR, null).map(({ id }) => id)
  const one = known()
  t.equal(forgetBaselines(one, { of: `${BASTION}>10.0.0.8`, port: 22 }, T0 + 4 * HOUR).length, 2)
  t.strictSame(ids(one), ids(known()).filter((id) => !id.includes('10.0.0.8') || id.endsWith(':80')))
  const two = known()
  t.equal(forgetBaselines(two, { of: '10.0.0.8', port: null }, T0 + 4 * HOUR).length, 3)
  t.strictSame(ids(two), ids(known()).filter((id) => !id.includes('10.0.0.8')))
  const all = known()
  taught(all, logins)
  t.equal(forgetBaselines(all, { of: '*', port: null }, T0 + 4 * HOUR).length, 0, '* is nobody')
  t.equal(forgetBaselines(all, { of: BASTION, port: null }, T0 + 4 * HOUR).length, 7)
  t.equal(all.pairs.size + all.habits.size + all.taught.size, 0)
})

t.test('it goes on after a restart as it was', async (t) => {
  const memory = known()
  taught(memory, logins)
  const restored = emptyMemory()
  restoreMemory(restored, Value.Parse(SavedMemory, JSON.parse(JSON.stringify(saveMemory(memory)))))
  t.strictSame(restored, memory)
})
