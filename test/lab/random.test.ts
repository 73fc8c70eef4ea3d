import fc from 'fast-check'
import t from 'tap'
import { randomFrom } from './random.ts'

t.test('the same seed draws the same', (t) => {
  const draw = (seed: string) => { const random = randomFrom(seed); return [random.float(), random.integer(1, 1000), random.sample([1, 2, 3, 4, 5], 3)] }
  t.same(draw('scan/7'), draw('scan/7'))
  t.notSame(draw('scan/7'), draw('scan/8'))
  t.end()
})

t.test('drawing from a fork leaves the sequence alone', (t) => {
  const [one, other] = [randomFrom('a'), randomFrom('a')]
  one.fork('settings').float()
  t.equal(one.float(), other.float())
  t.end()
})

t.test('what is drawn lies within its bounds', (t) => {
  fc.assert(fc.property(fc.string(), fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 5000 }), (seed, min, more) => {
    const random = randomFrom(seed)
    const inside = (value: number) => value >= min && value <= min + more
    return inside(random.integer(min, min + more)) && inside(random.magnitude(min, min + more))
  }))
  fc.assert(fc.property(fc.string(), fc.uniqueArray(fc.integer()), fc.nat(20), (seed, items, count) => {
    const taken = randomFrom(seed).sample(items, count)
    return taken.length === Math.min(count, items.length) && new Set(taken).size === taken.length && taken.every((item) => items.includes(item))
  }))
  t.throws(() => randomFrom(1).pick([]), /nothing to pick from/)
  t.end()
})
