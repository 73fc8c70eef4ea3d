import fc from 'fast-check'
import t from 'tap'
import type { Pod } from '../../../src/core/pod.ts'
import type { Detection } from '../../../src/core/verdict/detection.ts'
import { loadVerdict, saveVerdict } from '../../../src/core/verdict/saved-verdict.ts'
import type { Score } from '../../../src/core/verdict/score.ts'
import { emptyVerdict, type VerdictState } from '../../../src/core/verdict/state.ts'
import { step, type VerdictEffect } from '../../../src/core/verdict/verdict.ts'
import { STEPS_MS, type WindowKey } from '../../../src/core/window/window.ts'
import { ATTACKER, madeScore, MODEL, PAIR, T0, VICTIM, type Made } from './made-score.ts'

const PODS: Pod[] = [{ uid: 'u7', namespace: 'shop', name: 'web-7', addresses: ['10.0.0.7'], labels: {}, node: 'n1' }]

/** A verdict with a clock of its own, at first T0. */
class Bench {
  readonly state: VerdictState
  nowMs = T0
  #ids = 0

  constructor (state = emptyVerdict()) {
    this.state = state
    this.take({ type: 'model', model: MODEL })
  }

  score (score: Score): readonly VerdictEffect[] {
    this.nowMs = Math.max(this.nowMs, score.receivedAtMs)
    return this.take({ type: 'score', score })
  }

  /** Scores, told as the types of what came of each. */
  types (scores: Score[]): string[] {
    return scores.flatMap((score) => this.score(score).map(({ type }) => type))
  }

  tick (afterMs: number): readonly VerdictEffect[] {
    this.nowMs += afterMs
    return this.take({ type: 'tick' })
  }

  take (event: Parameters<typeof step>[1]): readonly VerdictEffect[] {
    return step(this.state, event, {
      nowMs: this.nowMs,
      newId: () => `id${this.#ids++}`,
      whois: (address) => PODS.find(({ addresses }) => addresses.includes(address)) ?? null,
      standsForMany: (address) => address === '10.0.0.1',
      unfamiliar: () => null,
      foundAtAdmission: () => null,
      forging: () => [],
    })
  }
}

const opened = (effects: readonly VerdictEffect[]): Detection => {
  const found = effects.find(({ type }) => type === 'opened')
  if (found === undefined) throw new Error(`nothing opened: ${effects.map(({ type }) => type).join()}`)
  return found.detection
}

t.test('one overwhelming window is enough, and says who, whom, how sure and how late', async (t) => {
  const bench = new Bench()
  const detection = opened(bench.score(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 })))
  t.match(detection, {
    class: 'PORT_SCAN',
    kind: 'pair',
    phase: 'open',
    source: { address: '10.0.0.7', uid: 'u7', name: 'web-7', namespace: 'shop' },
    target: { address: '10.0.0.9' },
    delaySeconds: 0.4,
    count: 1,
    witnesses: [{ reporter: VICTIM, quality: 0, agrees: null }],
    technique: { id: 'T1046' },
    simulated: false,
  })
  t.ok(Math.abs(detection.confidence - 0.97) < 1e-6)
})

t.test('weaker windows add up, but never claim more than the class\'s threshold', async (t) => {
  const bench = new Bench()
  const effects = Array.from({ length: 40 }, (_, i) => bench.score(madeScore({ PORT_SCAN: 0.9 }, { endMs: T0 + 500 * (i + 1) }))).flat()
  const at = effects.findIndex(({ type }) => type === 'opened')
  t.ok(at > 3 && at < 30, `opened at window ${at}`)
  t.equal(effects.filter(({ type }) => type === 'opened').length, 1)
  t.equal(effects.find(({ type }) => type !== 'updated')?.type, 'suspected', 'it is told as a suspicion before')
  t.ok((effects.at(-1)?.detection.confidence ?? 1) <= 0.95 + 1e-9)
})

t.test('windows at or under the neutral probability never open anything', async (t) => {
  fc.assert(fc.property(fc.array(fc.double({ min: 0, max: 0.8, noNaN: true }), { maxLength: 100 }), (probabilities) => {
    const bench = new Bench()
    return probabilities.every((PORT_SCAN, i) => bench.score(madeScore({ PORT_SCAN, SYN_FLOOD: 0 }, { endMs: T0 + 500 * (i + 1) })).length === 0)
  }))
  t.pass()
})

t.test('evidence fades: the same few windows far apart do not open what they open together', async (t) => {
  const windows = (everySteps: number) => Array.from({ length: 12 }, (_, i) => madeScore({ PORT_SCAN: 0.9 }, { endMs: T0 + 500 * everySteps * (i + 1) }))
  t.ok(new Bench().types(windows(1)).includes('opened'))
  t.notOk(new Bench().types(windows(19)).includes('opened'))
})

t.test('steps and witnesses of one key and class are one detection', async (t) => {
  const bench = new Bench()
  const types = bench.types([
    madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 }),
    madeScore({ PORT_SCAN: 0.99 }, { endMs: T0 + 1_000, reporter: ATTACKER }),
    madeScore({ PORT_SCAN: 0.96 }, { endMs: T0 + 15_000, stepMs: 15_000 }),
    madeScore({ PORT_SCAN: 0.96 }, { endMs: T0 + 60_000, stepMs: 60_000 }),
  ])
  t.strictSame(types, ['opened', 'updated', 'updated', 'updated'])
  const [only] = bench.state.cases.values()
  t.match(only?.detection, { count: 4, witnesses: [{ reporter: VICTIM }, { reporter: ATTACKER }] })
})

t.test('what an observer sends again after a reconnection counts once', async (t) => {
  const bench = new Bench()
  const windows = Array.from({ length: 20 }, (_, i) => madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 * (i + 1) }))
  bench.types(windows)
  t.strictSame(bench.types(windows), [])
  t.equal(bench.tick(60_000).length, 1)
  t.strictSame(bench.types(windows), [], 'also when the detection is closed by then')
})

t.test('a detection closes after ten of its longest supporting steps', async (t) => {
  for (const stepMs of STEPS_MS) {
    const bench = new Bench()
    opened(bench.score(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 60_000, stepMs })))
    t.strictSame(bench.tick(10 * stepMs - 1), [])
    t.match(bench.tick(1), [{ type: 'closed', detection: { phase: 'closed' } }])
    t.strictSame(bench.tick(10 * stepMs), [], 'once')
  }
})

t.test('a longer window that closes over a finished attack takes up its detection; a later attack is a new one', async (t) => {
  const bench = new Bench()
  const { id } = opened(bench.score(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 })))
  bench.tick(10_000)
  t.match(bench.score(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 60_000, stepMs: 60_000 })), [{ type: 'updated', detection: { id, phase: 'open' } }])
  bench.tick(600_000)
  t.not(opened(bench.score(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 1_000_000 }))).id, id)
})

t.test('a longer window that began after shorter ones saw the end is no sign of the attack; one that they run into is', async (t) => {
  const scan = (stepMs: 500 | 15_000 | 60_000, afterMs: number): Score => madeScore({ PORT_SCAN: 0.97 }, { stepMs, endMs: T0 + afterMs })
  const rows: [string, Score, boolean][] = [
    ['15 s that hold the last half second', scan(15_000, 15_000), true],
    ['15 s later, which hold it in the tensor alone', scan(15_000, 30_000), false],
    ['a minute that began before', scan(60_000, 60_000), true],
    ['a minute later', scan(60_000, 120_000), false],
    ['15 s whose tensor began after', scan(15_000, 330_000), true],
  ]
  for (const [name, score, isSign] of rows) {
    const bench = new Bench()
    const detection = opened(bench.score(scan(500, 10_000)))
    t.strictSame(bench.types([score]), isSign ? ['updated'] : [], name)
    t.equal(bench.state.cases.get('live PORT_SCAN 10.0.0.7>10.0.0.9')?.lastSeenMs, isSign ? score.receivedAtMs : Date.parse(detection.lastSeen), name)
  }
  const slow = new Bench()
  slow.score(scan(15_000, 15_000))
  t.strictSame(slow.types([scan(15_000, 30_000), scan(15_000, 45_000)]), ['updated', 'updated'], 'what is seen at the long step alone goes on there')
})

t.test('a pair and the fan-out of its source are one story; another source has its own', async (t) => {
  const bench = new Bench()
  const fanOut: WindowKey = { kind: 'fan-out', source: '10.0.0.7' }
  const other: WindowKey = { kind: 'pair', source: '10.0.0.8', destination: '10.0.0.9' }
  const pair = opened(bench.score(madeScore({ PORT_SCAN: 0.97 })))
  const fan = opened(bench.score(madeScore({ PORT_SCAN: 0.97 }, { key: fanOut, reporter: ATTACKER })))
  t.equal(fan.chain, pair.chain)
  t.not(fan.id, pair.id)
  t.not(opened(bench.score(madeScore({ PORT_SCAN: 0.97 }, { key: other }))).chain, pair.chain)
})

t.test('a fan-in that one source makes is that source\'s story, and of many sources its own', async (t) => {
  const fanIn: WindowKey = { kind: 'fan-in', destination: '10.0.0.9' }
  const bench = new Bench()
  const pair = opened(bench.score(madeScore({ PORT_SCAN: 0.97 })))
  t.equal(opened(bench.score(madeScore({ PORT_SCAN: 0.97 }, { key: fanIn }))).chain, pair.chain)
  const many = new Bench()
  const sources = ['10.0.0.7', '10.0.0.8'].map((source) => opened(many.score(madeScore({ PORT_SCAN: 0.97 }, { key: { kind: 'pair', source, destination: '10.0.0.9' } }))).chain)
  t.notOk(sources.includes(opened(many.score(madeScore({ PORT_SCAN: 0.97 }, { key: fanIn }))).chain))
})

t.test('a flood whose sender is not proved is told of the victim, never of the sender', async (t) => {
  const silent: Made = { counters: { tcp_packets: 900, half_open: 400 } }
  const bench = new Bench()
  const forged = Array.from({ length: 50 }, (_, i) => madeScore({ SYN_FLOOD: 0.97 }, { ...silent, key: { kind: 'pair', source: `198.51.100.${i}`, destination: '10.0.0.9' } }))
  t.strictSame(bench.types(forged).filter((type) => type === 'opened'), ['opened'], 'one detection')
  t.match([...bench.state.cases.values()].map(({ detection }) => [detection?.kind, detection?.source, detection?.target?.address]), [['fan-in', null, '10.0.0.9']])

  const confirmed = opened(new Bench().score(madeScore({ SYN_FLOOD: 0.97 }, { ...silent, reporter: ATTACKER })))
  t.equal(confirmed.kind, 'pair', 'its own observer saw it send')
  const answered = opened(new Bench().score(madeScore({ SYN_FLOOD: 0.97 }, { ...silent, features: { bytes_received: 10 } })))
  t.equal(answered.kind, 'pair', 'it got answers over TCP')
})

t.test('what proves the source goes with the detection', async (t) => {
  const [nothing] = new Bench().score(madeScore({ PORT_SCAN: 0.97 }))
  t.strictSame(nothing?.source, { completedHandshake: false, confirmedByOwnObserver: false, standsForMany: false })
  const [many] = new Bench().score(madeScore({ PORT_SCAN: 0.97 }, { key: { kind: 'pair', source: '10.0.0.1', destination: '10.0.0.9' } }))
  t.equal(many?.source.standsForMany, true)
  const bench = new Bench()
  bench.score(madeScore({ PORT_SCAN: 0.97 }))
  const [later] = bench.score(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 1_000, features: { bytes_received: 9 }, counters: { tcp_packets: 9 } }))
  t.equal(later?.source.completedHandshake, true, 'proof stays once it was seen')
})

t.test('a replay is another matter than live traffic of the same addresses, and keeps its own clock', async (t) => {
  const bench = new Bench()
  const [live] = bench.score(madeScore({ PORT_SCAN: 0.97 }))
  const [replayed] = bench.score(madeScore({ PORT_SCAN: 0.97 }, { simulated: true, endMs: T0 - 86_400_000 }))
  t.match([live?.type, replayed?.type], ['opened', 'opened'])
  t.strictSame([live?.detection.simulated, replayed?.detection.simulated], [false, true])
  t.equal(replayed?.detection.delaySeconds, 0.4)
  bench.score(madeScore({}, { simulated: true, endMs: T0 - 86_400_000 + 6_000, key: { kind: 'fan-out', source: '10.1.1.1' } }))
  t.match(bench.tick(0), [{ type: 'closed', detection: { simulated: true } }], 'a fast replay closes by its own time')
})

t.test('the delay counts from the first of the windows that ran into the detection', async (t) => {
  const detection = opened(new Bench().score(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 5_000, run: 3 })))
  t.equal(detection.delaySeconds, 2)
})

t.test('tables are bounded and say what they dropped; what is told goes last', async (t) => {
  const bench = new Bench()
  const first = opened(bench.score(madeScore({ PORT_SCAN: 0.97 })))
  for (let i = 0; i < 20_010; i++) bench.score(madeScore({ PORT_SCAN: 0.85 }, { key: { kind: 'pair', source: `10.9.${i >> 8}.${i & 255}`, destination: '10.0.0.9' }, reporter: `pod-${i >> 8}` }))
  t.equal(bench.state.cases.size, 20_000)
  t.equal(bench.state.cases.dropped, 11)
  t.ok([...bench.state.cases.values()].some(({ detection }) => detection?.id === first.id))
})

t.test('an observer that floods us with suspicions crowds out only its own, and cannot hide what is enough by itself', async (t) => {
  const bench = new Bench()
  bench.score(madeScore({ PORT_SCAN: 0.85 }, { reporter: VICTIM }))
  const noise = (i: number): WindowKey => ({ kind: 'pair', source: '10.0.0.66', destination: `10.9.${i >> 8}.${i & 255}` })
  for (let i = 0; i < 3_000; i++) bench.score(madeScore({ PORT_SCAN: 0.85 }, { key: noise(i), reporter: ATTACKER }))
  t.equal(bench.state.cases.size, 1_001)
  t.equal(bench.state.cases.dropped, 2_000)
  t.equal(opened(bench.score(madeScore({ PORT_SCAN: 0.97 }, { key: noise(5_000), reporter: ATTACKER }))).phase, 'open')
})

t.test('a restart goes on where it was, also from a checkpoint that is old, missing or foreign', async (t) => {
  const bench = new Bench()
  const before = bench.score(madeScore({ PORT_SCAN: 0.97 }))
  const { id } = opened(before)
  const stored = before.map(({ detection }) => detection)
  const saved: unknown = JSON.parse(JSON.stringify(saveVerdict(bench.state)))
  for (const checkpoint of [saved, undefined, { version: 2 }, 'rubbish', saveVerdict(emptyVerdict())]) {
    const { state, ended } = loadVerdict(checkpoint, stored)
    t.strictSame(ended, [])
    const again = new Bench(state)
    t.match(again.score(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 1_000 })), [{ type: 'updated', detection: { id, phase: 'open' } }])
    t.match(again.tick(5_000), [{ type: 'closed', detection: { id } }])
  }
})

t.test('a replay that was cut short is over after a restart', async (t) => {
  const bench = new Bench()
  const effects = bench.score(madeScore({ PORT_SCAN: 0.97 }, { simulated: true }))
  const { state, ended } = loadVerdict(saveVerdict(bench.state), effects.map(({ detection }) => detection))
  t.match(ended, [{ phase: 'closed', simulated: true }])
  t.equal(state.cases.size, 0)
  t.equal(opened(new Bench(state).score(madeScore({ PORT_SCAN: 0.97 }, { simulated: true }))).source?.address, (PAIR as { source: string }).source, 'the next replay starts anew')
})

t.test('honest traffic of a pod does not vouch for what is sent in its name', async (t) => {
  const answered = { features: { flow_count: 40, bytes_received: 900 }, counters: { tcp_packets: 200 } }
  const bench = new Bench()
  const forged = bench.score(madeScore({ PORT_SCAN: 0.99 }, { ...answered, unproved: 38 }))
  t.match(forged, [{ type: 'opened', source: { completedHandshake: false, confirmedByOwnObserver: false }, detection: { witnesses: [{ reporter: VICTIM, agrees: null }] } }])
  const honest = bench.score(madeScore({ PORT_SCAN: 0.88 }, { ...answered, endMs: T0 + 1000 }))
  t.match(honest, [{ type: 'updated', source: { completedHandshake: false } }], 'a little suspicious and proved is not enough')
  const owner = bench.score(madeScore({ PORT_SCAN: 0.99 }, { ...answered, reporter: ATTACKER, unproved: 38 }))
  t.match(owner, [{ type: 'updated', source: { confirmedByOwnObserver: false } }], 'answers that its own observer sees do not confirm it')
  t.equal(owner[0]?.detection.witnesses.find(({ reporter }) => reporter === ATTACKER)?.agrees, false, 'it denies it')
  const real = bench.score(madeScore({ PORT_SCAN: 0.99 }, { ...answered, reporter: ATTACKER, endMs: T0 + 1000 }))
  t.match(real, [{ type: 'updated', source: { confirmedByOwnObserver: true } }], 'what it saw its pod begin does')
  t.equal(real[0]?.detection.witnesses.find(({ reporter }) => reporter === ATTACKER)?.agrees, true)
})

t.test('what the source\'s observer answers is kept with the case, and single windows do not take it back', async (t) => {
  const answered = { features: { flow_count: 40, bytes_received: 900 }, counters: { tcp_packets: 200 } }
  const agreesOf = (effects: readonly VerdictEffect[]) => effects[0]?.detection.witnesses.find(({ reporter }) => reporter === ATTACKER)?.agrees
  for (const comparison of ['saw-nothing', 'saw-less'] as const) {
    const bench = new Bench()
    const { id } = opened(bench.score(madeScore({ PORT_SCAN: 0.99 }, answered)))
    const denied = bench.take({ type: 'compared', detection: id, reporter: ATTACKER, comparison })
    t.match(denied, [{ type: 'updated', source: { completedHandshake: true, deniedByOwnObserver: true } }])
    t.equal(agreesOf(denied), false)
    const honest = bench.score(madeScore({ PORT_SCAN: 0.88 }, { ...answered, reporter: ATTACKER }))
    t.match(honest, [{ source: { confirmedByOwnObserver: false, deniedByOwnObserver: true } }])
    t.equal(agreesOf(honest), false, 'a little honest traffic changes nothing')
    const { state } = loadVerdict(JSON.parse(JSON.stringify(saveVerdict(bench.state))), honest.map(({ detection }) => detection))
    t.match(new Bench(state).score(madeScore({ PORT_SCAN: 0.97 }, { ...answered, endMs: T0 + 1_000 })), [{ source: { deniedByOwnObserver: true } }], 'nor does a restart')
    const own = bench.score(madeScore({ PORT_SCAN: 0.99 }, { ...answered, reporter: ATTACKER, endMs: T0 + 1_000 }))
    t.match(own, [{ source: { confirmedByOwnObserver: true } }])
    t.equal(agreesOf(own), true, 'what it tells of an attack by its own pod does')
  }
  const bench = new Bench()
  const { id } = opened(bench.score(madeScore({ PORT_SCAN: 0.99 }, answered)))
  for (const comparison of ['no-observer', 'cannot-tell', 'not-yet'] as const) t.strictSame(bench.take({ type: 'compared', detection: id, reporter: ATTACKER, comparison }), [])
  const agreed = bench.take({ type: 'compared', detection: id, reporter: ATTACKER, comparison: 'agrees' })
  t.equal(agreesOf(agreed), true)
  t.match(agreed[0]?.source, { confirmedByOwnObserver: false }, 'that the flows are its pod\'s does not say what they are')
  t.strictSame(bench.take({ type: 'compared', detection: 'other', reporter: ATTACKER, comparison: 'saw-nothing' }), [])
})
