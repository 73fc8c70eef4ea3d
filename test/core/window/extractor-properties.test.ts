import fc from 'fast-check'
import t from 'tap'
import { WindowExtractor } from '../../../src/core/window/window-extractor.ts'
import { COUNTERS, FEATURES, keyId, STEPS_MS, type Window } from '../../../src/core/window/window.ts'
import { cooked, ethernet, icmp, tcp, udp } from '../flow/packet-builder.ts'
import { chunkOf, observe as observeWith, type Observation, type Timed } from './observe.ts'

t.setTimeout(120_000) // 8 s on an idle core

/** Small tables: what they hold at most is far less. */
const observe = (packets: readonly Timed[], options: Parameters<typeof observeWith>[1] = {}): Observation => observeWith(packets, { maxFlows: 128, maxKeys: 128, ...options })

const CLIENTS = ['10.0.0.1', '10.0.0.2', '[fd00::1]', '[fd00::2]'] as const

/** Two ends of one address family. */
const ends = fc.record({ client: fc.integer({ min: 0, max: 1 }), six: fc.boolean(), from: fc.integer({ min: 1, max: 4 }), to: fc.integer({ min: 1, max: 4 }), back: fc.boolean() })
  .map(({ client, six, from, to, back }) => {
    const pair = [`${CLIENTS[(six ? 2 : 0) + client] ?? ''}:${40_000 + from}`, `${six ? '[fd00::9]' : '10.0.0.9'}:${79 + to}`] as const
    return back ? { from: pair[1], to: pair[0] } : { from: pair[0], to: pair[1] }
  })

const packet = fc.oneof(
  fc.tuple(ends, fc.constantFrom('S', 'SA', 'A', 'PA', 'FA', 'R', 'RA', 'F', ''), fc.integer({ min: 0, max: 3_000 }))
    .map(([end, flags, payload]) => tcp({ ...end, flags, payload: flags.includes('S') ? 0 : payload })),
  fc.tuple(ends, fc.integer({ min: 0, max: 100 })).map(([end, payload]) => udp({ ...end, payload })),
  fc.tuple(ends, fc.constantFrom(0, 8, 11)).map(([end, type]) => icmp({ ...end, type, quote: type === 11 ? udp({ from: end.to, to: end.from, payload: 4 }) : new Uint8Array(8) }))
)

/** Up to two minutes of traffic, in order of time. */
const traffic = fc.array(fc.record({ gap: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 9_000 })), packet }), { minLength: 1, maxLength: 60 })
  .map((list) => {
    let at = 0
    return list.map(({ gap, packet }): Timed => {
      at += gap
      return { at, packet }
    })
  })

const ADDITIVE = ['bytes_sent', 'bytes_received', 'syn_count', 'ack_count', 'rst_count', 'fin_count'] as const

const sameWindows = (a: readonly Window[], b: readonly Window[]): boolean => JSON.stringify(a.map(plain)) === JSON.stringify(b.map(plain))
const plain = (window: Window): unknown => ({ ...window, features: [...window.features], counters: [...window.counters], portSketch: [...window.portSketch], peerSketch: [...window.peerSketch] })

t.test('how packets are cut into chunks changes nothing', (t) => {
  fc.assert(fc.property(traffic, fc.integer({ min: 1, max: 10 }), (packets, chunkPackets) => sameWindows(observe(packets).windows, observe(packets, { chunkPackets }).windows)))
  t.end()
})

t.test('a longer window is the sum of the shorter ones in it', (t) => {
  fc.assert(fc.property(traffic, (packets) => {
    const { windows } = observe(packets)
    for (const [at, longMs] of STEPS_MS.entries()) {
      const shortMs = STEPS_MS[at - 1]
      if (shortMs === undefined) continue
      for (const long of windows.filter(({ stepMs }) => stepMs === longMs)) {
        const parts = windows.filter((window) => window.stepMs === shortMs && keyId(window.key) === keyId(long.key) && Math.floor(window.number * shortMs / longMs) === long.number)
        for (const name of ADDITIVE) {
          const column = FEATURES.indexOf(name)
          if (long.features[column] !== parts.reduce((sum, part) => sum + (part.features[column] ?? 0), 0)) return false
        }
        for (const column of COUNTERS.keys()) {
          if (long.counters[column] !== parts.reduce((sum, part) => sum + (part.counters[column] ?? 0), 0)) return false
        }
        const flows = parts.map(({ features }) => features[0] ?? 0)
        const count = long.features[0] ?? 0
        if (count < Math.max(...flows) || count > flows.reduce((sum, part) => sum + part, 0)) return false
        if (long.firstPacketMs !== Math.min(...parts.filter(({ features }) => (features[0] ?? 0) > 0).map(({ firstPacketMs }) => firstPacketMs)) && count > 0) return false
      }
    }
    return true
  }))
  t.end()
})

t.test('each pair\'s sums are those of its source\'s fan-out and its destination\'s fan-in together', (t) => {
  fc.assert(fc.property(traffic, (packets) => {
    const { windows } = observe(packets)
    for (const fan of windows.filter(({ key }) => key.kind !== 'pair')) {
      const pairs = windows.filter(({ key, stepMs, number }) => key.kind === 'pair' && stepMs === fan.stepMs && number === fan.number &&
        (fan.key.kind === 'fan-out' ? key.source === fan.key.source : fan.key.kind === 'fan-in' && key.destination === fan.key.destination))
      for (const name of ['flow_count', ...ADDITIVE] as const) {
        const column = FEATURES.indexOf(name)
        if (fan.features[column] !== pairs.reduce((sum, pair) => sum + (pair.features[column] ?? 0), 0)) return false
      }
    }
    return true
  }))
  t.end()
})

t.test('connections that run the other way give the mirrored windows', (t) => {
  const connection = fc.array(fc.record({ gap: fc.integer({ min: 0, max: 2_000 }), up: fc.boolean(), flags: fc.constantFrom('A', 'PA', 'FA', 'R'), payload: fc.integer({ min: 0, max: 2_000 }) }), { maxLength: 20 })
  const between = (client: string, server: string, steps: readonly { gap: number, up: boolean, flags: string, payload: number }[]): Timed[] => {
    let at = 20
    const opening = [['S', true], ['SA', false], ['A', true]] as const
    return [
      ...opening.map(([flags, up], at) => ({ at, packet: tcp({ from: up ? client : server, to: up ? server : client, flags }) })),
      ...steps.map(({ gap, up, flags, payload }) => {
        at += gap
        return { at, packet: tcp({ from: up ? client : server, to: up ? server : client, flags, payload }) }
      }),
    ]
  }
  const values = (windows: readonly Window[]): string => JSON.stringify(windows.map((window) => [window.key.kind, window.number, [...window.features], [...window.counters], window.ports]))
  fc.assert(fc.property(connection, (steps) =>
    values(observe(between('10.0.0.1:4000', '10.0.0.2:80', steps)).windows) === values(observe(between('10.0.0.2:4000', '10.0.0.1:80', steps)).windows)))
  t.end()
})

t.test('an observer\'s account of a pair is the one that the whole network gives', (t) => {
  fc.assert(fc.property(traffic, (packets) => {
    const all = observe(packets).windows.filter(({ key }) => key.kind === 'pair' && (key.source === '10.0.0.1' || key.destination === '10.0.0.1'))
    const own = observe(packets, { ownAddresses: ['10.0.0.1'] }).windows.filter(({ key }) => key.kind === 'pair')
    const sorted = (windows: readonly Window[]): Window[] => windows.toSorted((a, b) => a.number * a.stepMs - b.number * b.stepMs || a.stepMs - b.stepMs || keyId(a.key).localeCompare(keyId(b.key)))
    // Whether a source is real is seen otherwise from either end, and is asked of an observer alone.
    const without = (windows: readonly Window[]): Window[] => sorted(windows).map(({ proved: _, ...window }) => window)
    return sameWindows(without(all), without(own))
  }))
  t.end()
})

t.test('features stay what they can be', (t) => {
  fc.assert(fc.property(traffic, (packets) => observe(packets).windows.every(({ features, counters }) =>
    [...features, ...counters].every((value) => Number.isFinite(value) && value >= 0) && (features[10] ?? 2) <= 1)))
  t.end()
})

t.test('100,000 mutated packets are counted, each once, and none is fatal', (t) => {
  const good: readonly Timed[] = [
    { at: 0, linkType: 1, packet: ethernet(tcp({ from: '10.0.0.1:4000', to: '10.0.0.2:80', flags: 'S', mss: 1460 }), [0x8100]) },
    { at: 0, linkType: 1, packet: ethernet(tcp({ from: '[fd00::1]:4000', to: '[fd00::2]:80', flags: 'PA', payload: 30 })) },
    { at: 0, linkType: 113, packet: cooked(udp({ from: '10.0.0.1:4000', to: '10.0.0.2:53', payload: 30 })) },
    { at: 0, linkType: 101, packet: icmp({ from: '10.0.0.9', to: '10.0.0.1', type: 3, code: 3, quote: udp({ from: '10.0.0.1:4000', to: '10.0.0.2:53', payload: 30 }) }) },
    { at: 0, linkType: 101, packet: icmp({ from: 'fd00::9', to: 'fd00::1', type: 1, quote: tcp({ from: '[fd00::1]:4000', to: '[fd00::2]:80' }) }) },
  ]
  const mutation = fc.record({
    which: fc.integer({ min: 0, max: good.length - 1 }),
    changes: fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 6 }),
    length: fc.nat(120),
    linkType: fc.constantFrom(undefined, 0, 1, 12, 101, 108, 113, 228, 229, 276, 9999),
    gap: fc.oneof({ weight: 50, arbitrary: fc.nat(100) }, fc.constantFrom(-50_000, -700, 1e5, 1e9, -1e9)),
  })
  const packets: Timed[] = []
  let at = 0
  for (const { which, changes, length, linkType, gap } of fc.sample(mutation, { numRuns: 100_000, seed: 1 })) {
    const from = good[which]
    if (from === undefined) continue
    const bytes = Uint8Array.from(from.packet)
    for (const [place, byte] of changes) if (place < bytes.length) bytes[place] = byte
    at += gap
    const original = bytes.length + length
    const type = linkType ?? from.linkType
    const times = which === 0 && changes.length === 6 ? at + 1e16 : at // now and then a time beyond all dates
    packets.push({ at: times, packet: bytes.subarray(0, Math.max(0, bytes.length - (length > 60 ? length : 0))), original, ...type === undefined ? {} : { linkType: type } })
  }
  const extractor = new WindowExtractor({ ownAddresses: null, maxFlows: 512, maxKeys: 512 })
  let finite = true
  for (let begin = 0; begin < packets.length; begin += 1_000) {
    extractor.push(chunkOf(packets.slice(begin, begin + 1_000)))
    for (const { features } of extractor.take()) finite &&= features.every((value) => Number.isFinite(value) && value >= 0)
  }
  extractor.flush()
  const { packets: seen, counted, orphanFragments, undecoded, flows } = extractor.stats
  t.equal(seen, 100_000)
  t.equal(counted + orphanFragments + Object.values(undecoded).reduce((sum, count) => sum + count, 0), 100_000)
  t.ok(finite, 'and every feature is a number')
  t.ok(Object.values(undecoded).every((count) => count > 0), 'every kind of damage was tried')
  t.ok(counted > 10_000 && flows > 1_000)
  t.end()
})

t.test('what a pair does at its ports adds up to what it does', (t) => {
  fc.assert(fc.property(traffic, (packets) => observe(packets).windows.filter(({ key, stepMs }) => key.kind === 'pair' && stepMs === 60_000).every(({ features, uses = [] }) => {
    const sum = (of: (use: (typeof uses)[number]) => number): number => uses.reduce((all, use) => all + of(use), 0)
    const column = (name: (typeof FEATURES)[number]): number => features[FEATURES.indexOf(name)] ?? NaN
    return sum(({ bytesSent }) => bytesSent) === column('bytes_sent') && sum(({ bytesReceived }) => bytesReceived) === column('bytes_received') &&
      sum(({ begun, carried }) => begun + carried) === column('flow_count')
  })))
  t.end()
})
