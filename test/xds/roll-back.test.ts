import fc from 'fast-check'
import t from 'tap'
import type { Duty } from '../../xds/restriction.ts'
import { RollBack } from '../../xds/roll-back.ts'
import { mitigationOf } from './mitigation-of.ts'

const dutiesOf = (count: number): Duty[] => Array.from({ length: count }, (_, at) => ({ mitigation: mitigationOf(`m${at}`), side: 'victim' as const }))

/** A proxy that refuses what holds a bad duty, asked until nothing changes any more. Gives the pushes. */
function converge (rollBack: RollBack, wanted: readonly Duty[], bad: ReadonlySet<Duty>): number {
  for (let pushes = 1; ; pushes++) {
    const sent = rollBack.allowed(wanted)
    const again = sent.some((duty) => bad.has(duty)) ? rollBack.rejected('no') : rollBack.taken()
    if (!again) return pushes
    if (pushes > 10_000) throw new Error('it never ends')
  }
}

t.test('whatever is refused, the others hold, the bad are named, and it ends soon', async (t) => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 60 }), fc.array(fc.nat({ max: 59 }), { maxLength: 4 }), (count, places) => {
    const duties = dutiesOf(count)
    const bad = new Set(places.flatMap((place) => duties[place] ?? []))
    const rollBack = new RollBack()
    const pushes = converge(rollBack, duties, bad)
    t.strictSame(rollBack.allowed(duties), duties.filter((duty) => !bad.has(duty)))
    t.strictSame(rollBack.refused.map(({ mitigation }) => mitigation).sort(), [...bad].map(({ mitigation }) => mitigation.metadata.name).sort())
    t.ok(pushes <= 1 + bad.size * (4 * Math.ceil(Math.log2(Math.max(2, count))) + 4), `${pushes} pushes for ${bad.size} bad of ${count}`)
  }))
})

t.test('after a refusal the proxy is put back on what it had before anything else is tried', async (t) => {
  const [old, ...fresh] = dutiesOf(4)
  const rollBack = new RollBack()
  t.same(rollBack.allowed(old === undefined ? [] : [old]), [old])
  t.equal(rollBack.taken(), false)
  const wanted = [old, ...fresh].flatMap((duty) => duty ?? [])
  t.equal(rollBack.allowed(wanted).length, 4, 'new ones go together')
  t.equal(rollBack.rejected('no'), true)
  t.same(rollBack.allowed(wanted), [old])
  t.equal(rollBack.taken(), true, 'and then the first half')
  t.same(rollBack.allowed(wanted), wanted.slice(0, 3))
})

t.test('a refused duty is not tried again until it asks for something else, and is forgotten with its mitigation', async (t) => {
  const [bad, same, changed] = [...dutiesOf(1), ...dutiesOf(1), ...dutiesOf(1)] as [Duty, Duty, Duty]
  const rollBack = new RollBack()
  rollBack.allowed([bad])
  rollBack.rejected('too much')
  t.same(rollBack.allowed([bad]), [])
  t.same(rollBack.refused, [{ mitigation: 'm0', message: 'too much' }])
  t.same(rollBack.allowed([changed]), [changed])
  t.same(rollBack.refused, [])
  rollBack.rejected('still')
  t.same(rollBack.allowed([]), [])
  t.same(rollBack.allowed([same]), [same])
})

t.test('where no duty is new, none is to blame', async (t) => {
  const rollBack = new RollBack()
  const duties = dutiesOf(2)
  rollBack.allowed(duties)
  rollBack.taken()
  t.equal(rollBack.rejected('a port is in use'), false)
  t.same(rollBack.allowed(duties), duties)
})

t.test('where the proxy refuses what it is put back on as well, the new ones are acquitted', async (t) => {
  for (const count of [1, 5]) {
    const rollBack = new RollBack()
    const duties = dutiesOf(count)
    t.equal(rollBack.allowed(duties).length, count)
    t.equal(rollBack.rejected('a port is in use'), true)
    t.same(rollBack.allowed(duties), [])
    t.equal(rollBack.rejected('a port is in use'), true)
    t.same(rollBack.allowed(duties), duties)
    t.equal(rollBack.rejected('a port is in use'), false)
    t.same(rollBack.refused, [])
  }
})

t.test('what is wanted while others are tried waits its turn', async (t) => {
  const [one, two, late] = dutiesOf(3) as [Duty, Duty, Duty]
  const rollBack = new RollBack()
  rollBack.allowed([one, two])
  rollBack.rejected('no')
  t.same(rollBack.allowed([one, two, late]), [])
  t.equal(converge(rollBack, [one, two, late], new Set([two])) > 1, true)
  t.same(rollBack.allowed([one, two, late]), [one, late])
})
