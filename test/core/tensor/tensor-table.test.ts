import assert from 'node:assert/strict'
import t from 'tap'
import fc from 'fast-check'
import { CONTEXT_COLUMNS } from '../../../src/core/tensor/context.ts'
import { TENSOR_SIZE, TensorTable, type TensorView } from '../../../src/core/tensor/tensor-table.ts'
import { FEATURES, QUALITY, SKETCH_BITS, STEPS_MS, TENSOR_WINDOWS, keyId, type Window } from '../../../src/core/window/window.ts'
import { syntheticWindow } from './synthetic-window.ts'

const tensorOf = (view: TensorView): number[] => {
  const out = new Float32Array(TENSOR_SIZE)
  view.writeTensor(out, 0)
  return [...out]
}
const contextOf = (view: TensorView): Record<string, number> => {
  const out = new Float32Array(CONTEXT_COLUMNS.length)
  view.writeContext(out, 0)
  return Object.fromEntries(CONTEXT_COLUMNS.map((name, index) => [name, out[index] ?? NaN]))
}
function pushed (view: TensorView | null): TensorView {
  if (view === null) throw new Error('the window was refused as stale')
  return view
}

/** The table, written without rings or bounds: every window ever taken is kept and looked up by its number. */
class NaiveTable {
  readonly #taken = new Map<string, Map<number, Window>>()

  push (reporter: string, window: Window): (Window | undefined)[] | null {
    const name = JSON.stringify([reporter, keyId(window.key), window.stepMs])
    const taken = this.#taken.get(name) ?? new Map<number, Window>()
    this.#taken.set(name, taken)
    if ([...taken.keys()].some((number) => number >= window.number)) return null
    taken.set(window.number, window)
    return Array.from({ length: TENSOR_WINDOWS }, (_, row) => taken.get(window.number - TENSOR_WINDOWS + 1 + row))
  }
}

const bits = fc.uniqueArray(fc.nat(SKETCH_BITS - 1), { maxLength: 12 })
const windows = fc.array(fc.record({
  reporter: fc.constantFrom('one', 'two'),
  source: fc.constantFrom('10.0.0.1', '10.0.0.2'),
  kind: fc.constantFrom('pair', 'fan-out'),
  stepMs: fc.constantFrom(...STEPS_MS),
  ahead: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: -1, max: 3 }) }, fc.nat(60)),
  flows: fc.nat(1000),
  sent: fc.nat(1000),
  port: fc.constantFrom(22, 80, 5432, 40_000),
  bits,
}), { maxLength: 120 })

t.test('whatever comes in whatever order, a tensor is the last 20 windows by number', (t) => {
  fc.assert(fc.property(windows, (sequence) => {
    const table = new TensorTable({ capacity: 12 })
    const naive = new NaiveTable()
    let number = 7_000_000_000 // beyond 32 bits, as real 0.5 s windows are
    for (const step of sequence) {
      number += step.ahead
      const key = step.kind === 'pair' ? { kind: 'pair', source: step.source, destination: '10.9.9.9' } as const : { kind: 'fan-out', source: step.source } as const
      const window = syntheticWindow({
        key, stepMs: step.stepMs, number, features: { flow_count: step.flows }, counters: { packets_sent: step.sent }, ports: [{ port: step.port, packets: 1 }], portBits: step.bits,
      })
      const view = table.push(step.reporter, window)
      const rows = naive.push(step.reporter, window)
      if (rows === null || view === null) return rows === null && view === null
      assert.deepEqual(tensorOf(view), rows.flatMap((row) => row ? [...row.features] : Array<number>(FEATURES.length).fill(0)))
      const context = contextOf(view)
      const distinct = new Set(rows.flatMap((row) => row ? [...row.portSketch].flatMap((byte, at) => [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte >> bit & 1).map((bit) => at * 8 + bit)) : [])).size
      assert.equal(context['packets_sent'], rows.reduce((sum, row) => sum + (row?.counters[0] ?? 0), 0))
      assert.equal(context['active_windows'], rows.filter((row) => row !== undefined).length)
      assert.equal(context['distinct_ports'], Math.round(SKETCH_BITS * Math.log(SKETCH_BITS / (SKETCH_BITS - distinct))))
    }
    return true
  }), { numRuns: 150 })
  t.end()
})

t.test('a resent window changes nothing and is counted', (t) => {
  const table = new TensorTable({ capacity: 4 })
  const first = tensorOf(pushed(table.push('pod', syntheticWindow({ number: 10, features: { flow_count: 1 } }))))
  t.equal(table.push('pod', syntheticWindow({ number: 10, features: { flow_count: 99 } })), null)
  t.equal(table.push('pod', syntheticWindow({ number: 9, features: { flow_count: 99 } })), null)
  t.equal(table.stale, 2)
  const next = tensorOf(pushed(table.push('pod', syntheticWindow({ number: 11 }))))
  t.same(next.slice(-24, -12), first.slice(-12), 'the first account stands')
  t.end()
})

t.test('the table never holds more keys than it has room for, and drops the least recently used', (t) => {
  const table = new TensorTable({ capacity: 3 })
  const push = (source: string, number: number): TensorView =>
    pushed(table.push('pod', syntheticWindow({ key: { kind: 'fan-out', source }, number, features: { flow_count: number } })))
  for (const source of ['a', 'b', 'c', 'a']) push(source, source === 'a' ? table.size + 1 : 1)
  push('d', 1)
  t.equal(table.size, 3)
  t.equal(table.evicted, 1)
  t.equal(tensorOf(push('a', 5)).filter((value) => value > 0).length, 3, 'a was used last and is kept whole')
  t.equal(tensorOf(push('b', 5)).filter((value) => value > 0).length, 1, 'b was dropped and begins anew')
  t.end()
})

t.test('what is behind 20 silent steps is forgotten', (t) => {
  const table = new TensorTable({ capacity: 4 })
  table.push('pod', syntheticWindow({ number: 1, features: { flow_count: 5 }, counters: { packets_sent: 5 }, portBits: [1, 2, 3] }))
  const view = pushed(table.push('pod', syntheticWindow({ number: 21, features: { flow_count: 1 }, counters: { packets_sent: 1 } })))
  t.equal(tensorOf(view).reduce((sum, value) => sum + value, 0), 1)
  t.match(contextOf(view), { packets_sent: 1, distinct_ports: 0, active_windows: 1 })
  t.end()
})

t.test('the context tells kind, step, ports, protocols and payload', (t) => {
  const table = new TensorTable({ capacity: 4 })
  const key = { kind: 'fan-in', destination: '10.0.0.2' } as const
  const common = { key, stepMs: 15_000 } as const
  table.push('pod', syntheticWindow({
    ...common,
    number: 1,
    features: { bytes_sent: 100, bytes_received: 30 },
    counters: { packets_sent: 4, packets_received: 2, tcp_packets: 6, half_open: 1 },
    ports: [{ port: 22, packets: 3 }],
    peerBits: [1, 2],
  }))
  const view = pushed(table.push('pod', syntheticWindow({
    ...common,
    number: 3,
    features: { bytes_sent: 100 },
    counters: { packets_sent: 1, packets_received: 1, udp_packets: 2, unanswered: 2 },
    ports: [{ port: 53, packets: 1 }],
    peerBits: [2],
  })))
  t.match(contextOf(view), {
    kind_pair: 0,
    kind_fan_out: 0,
    kind_fan_in: 1,
    step_500ms: 0,
    step_15000ms: 1,
    step_60000ms: 0,
    port_login: 0.75,
    port_name: 0.25,
    port_web: 0,
    share_tcp: 0.75,
    share_udp: 0.25,
    share_icmp: 0,
    packets_sent: 5,
    packets_received: 3,
    mean_payload_sent: 40,
    mean_payload_received: 10,
    half_open: 1,
    unanswered: 2,
    distinct_ports: 0,
    active_windows: 2,
  })
  t.equal(contextOf(view)['distinct_peers'], 2, 'two sources over both windows')
  t.end()
})

t.test('flows whose source is not known to be real are counted over the whole span', async (t) => {
  const table = new TensorTable({ capacity: 4 })
  const after = (number: number, more: Partial<Window>): number => pushed(table.push('o', { ...syntheticWindow({ number, features: { flow_count: 30 } }), ...more })).unproved()
  t.equal(after(100, { proved: 1 }), 29)
  t.equal(after(101, { proved: 30 }), 29, 'honest flows later do not make up for them')
  t.equal(after(102, { proved: 32 }), 27, 'those that were proved late do')
  t.equal(after(103, {}), 57, 'who sees packets and does not tell proves nothing')
  t.equal(after(104, { quality: QUALITY.flagsMissing }), 57, 'who sees none sees no forged ones')
  t.equal(after(130, { proved: 30 }), 0, 'what has left the span does not count')
})
