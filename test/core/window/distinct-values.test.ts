import fc from 'fast-check'
import t from 'tap'
import { DistinctValues } from '../../../src/core/window/distinct-values.ts'
import { tcp } from '../flow/packet-builder.ts'
import { feature, observe } from './observe.ts'

t.test('a value is new to a cell once, as in a set', async () => {
  const operation = fc.oneof({ weight: 20, arbitrary: fc.tuple(fc.nat(3), fc.integer({ min: -2, max: 9 }), fc.nat(2)) }, { weight: 1, arbitrary: fc.constant(null) })
  fc.assert(fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
    const [values, model] = [new DistinctValues(), new Set<string>()]
    for (const value of operations) {
      if (value === null) {
        values.clear()
        model.clear()
        continue
      }
      const isNew = !model.has(value.join())
      model.add(value.join())
      if (values.add(...value) !== isNew) return false
    }
    const held: string[] = []
    values.each((...value) => held.push(value.join()))
    return held.sort().join(' ') === [...model].sort().join(' ')
  }))
})

t.test('it grows to its bound, says when it is full, and is as good as new when cleared', async (t) => {
  const values = new DistinctValues()
  for (let value = 0; value < 2 ** 18; value++) values.add(value % 5, value, 7)
  t.equal(values.overflown, false)
  t.equal(values.add(1, -1, 0), false)
  t.equal(values.overflown, true)
  values.clear()
  t.equal(values.overflown, false)
  t.equal(values.add(1, -1, 0), true)
})

t.test('unique_ports is exact at every step, however many ports a scan tries', async (t) => {
  const packets = Array.from({ length: 6_000 }, (_, at) => ({ at, packet: tcp({ from: '10.0.0.1:40000', to: `10.0.0.${2 + at % 2}:${1 + (at >> 1)}`, flags: 'S', payload: 0 }) }))
  const { windows } = observe(packets, { maxFlows: 8192 })
  const long = (kind: string): number[] => windows.filter(({ key, stepMs }) => key.kind === kind && stepMs === 60_000).map((window) => feature(window, 'unique_ports'))
  t.same(long('pair'), [3_000, 3_000])
  t.same(long('fan-out'), [6_000])
  t.same(long('fan-in'), [1, 1])
  const short = windows.filter(({ key, stepMs }) => key.kind === 'fan-out' && stepMs === 500).map((window) => feature(window, 'unique_ports'))
  t.equal(short.reduce((sum, ports) => sum + ports, 0), 6_000)
})
