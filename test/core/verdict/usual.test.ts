import t from 'tap'
import type { FeatureEvidence } from '../../../src/core/verdict/detection.ts'
import { loadVerdict, saveVerdict } from '../../../src/core/verdict/saved-verdict.ts'
import { emptyVerdict, type VerdictState } from '../../../src/core/verdict/state.ts'
import { step, type VerdictEffect } from '../../../src/core/verdict/verdict.ts'
import { usualKey } from '../../../src/core/explain/occlusion.ts'
import { FEATURES, type WindowKey } from '../../../src/core/window/window.ts'
import { madeScore, MODEL, T0, type Made } from './made-score.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** Another pair of the same source. */
const OTHER: WindowKey = { kind: 'pair', source: '10.0.0.7', destination: '10.0.0.66' }
/** In training a pair usually has seven flows in a window. */
const TRAINED = { ...MODEL, usual: { [usualKey('pair', 500)]: FEATURES.map(() => 7) } }

class Bench {
  readonly state: VerdictState
  #ids = 0

  constructor (state = emptyVerdict()) {
    this.state = state
    this.#step({ type: 'model', model: TRAINED }, T0)
  }

  /** So many flows in each half second from then on, of which the model says nothing, or how sure it is. */
  flows (flows: number, fromMs: number, forMs: number, made: Made & { sure?: number } = {}): void {
    for (let endMs = fromMs + 500; endMs <= fromMs + forMs; endMs += 500) this.#score(flows, endMs, made)
  }

  /** What is told of the flows of a scan that opens then. */
  told (atMs: number): FeatureEvidence {
    const found = this.#score(300, atMs, { sure: 0.97 }).flatMap(({ type, detection }) => type === 'opened' ? detection.explanation.evidence : []).find(({ feature }) => feature === 'flow_count')
    if (found === undefined) throw new Error('nothing opened')
    return found
  }

  #score (flows: number, endMs: number, { sure = 0.001, ...made }: Made & { sure?: number }): readonly VerdictEffect[] {
    return this.#step({ type: 'score', score: madeScore({ PORT_SCAN: sure }, { ...made, endMs, features: { flow_count: flows } }) }, endMs)
  }

  #step (event: Parameters<typeof step>[1], nowMs: number): readonly VerdictEffect[] {
    return step(this.state, event, { nowMs, newId: () => `id${this.#ids++}`, whois: () => null, standsForMany: () => false, unfamiliar: () => null, foundAtAdmission: () => null, forging: () => [] })
  }
}

/** A key with three flows in each half second of the first ten minutes of five clock hours. */
function known (): Bench {
  const bench = new Bench()
  for (let hour = 0; hour < 5; hour++) bench.flows(3, T0 + hour * HOUR, 10 * MINUTE)
  return bench
}
const SIX = T0 + 5 * HOUR

t.test('a key with a past of hours is explained by its own, also after a restart', async (t) => {
  const bench = known()
  bench.flows(3, SIX, MINUTE)
  const restarted = new Bench(loadVerdict(JSON.parse(JSON.stringify(saveVerdict(bench.state))), []).state)
  for (const each of [bench, restarted]) {
    const { usual, usualFrom } = each.told(SIX + 2 * MINUTE)
    t.equal(usualFrom, 'key')
    t.ok(Math.abs(usual - 3) < 0.01, `usual is ${usual}`)
  }
})

t.test('ten minutes of an attack that nobody suspects do not make it usual, wherever the hours part', async (t) => {
  for (const fromMs of [SIX, Math.floor(SIX / HOUR) * HOUR + 55 * MINUTE]) {
    const bench = known()
    bench.flows(3, SIX - 4 * MINUTE, 4 * MINUTE)
    bench.flows(300, fromMs, 10 * MINUTE)
    const during = bench.told(fromMs + 10 * MINUTE + 500)
    t.equal(during.usualFrom, 'key')
    t.ok(during.usual < 3.4, `usual is ${during.usual}`)
  }
  const bench = known()
  bench.flows(300, SIX, 10 * MINUTE)
  bench.flows(3, SIX + HOUR, MINUTE)
  t.ok(bench.told(SIX + HOUR + 2 * MINUTE).usual < 3.4, 'nor later, when its hour has ended')
})

t.test('of a key that was only ever seen under attack training says what is usual', async (t) => {
  const bench = new Bench()
  bench.flows(300, Math.floor(T0 / HOUR) * HOUR + 55 * MINUTE, 10 * MINUTE)
  t.match(bench.told(T0 + 2 * HOUR), { usual: 7, usualFrom: 'training' })
})

t.test('an hour in which the source was suspected does not count, whichever of its windows the model lets pass', async (t) => {
  const bench = known()
  for (let hour = 5; hour < 100; hour++) {
    bench.flows(3_000, T0 + hour * HOUR, MINUTE)
    bench.flows(3_000, T0 + hour * HOUR + MINUTE, 2_000, { key: OTHER, sure: 0.93 })
    bench.flows(3_000, T0 + hour * HOUR + 2 * MINUTE, MINUTE)
  }
  const { usual } = bench.told(T0 + 100 * HOUR + HOUR / 2)
  t.ok(Math.abs(usual - 3) < 0.01, `usual is ${usual}`)
})

t.test('what goes on for days becomes usual, and a replay teaches nothing about live traffic', async (t) => {
  const moved = known()
  for (let hour = 5; hour < 24 * 7; hour++) moved.flows(30, T0 + hour * HOUR, 5_000)
  t.ok(moved.told(T0 + 24 * 7 * HOUR).usual > 20)
  const replayed = known()
  for (let hour = 5; hour < 24 * 7; hour++) replayed.flows(30, T0 + hour * HOUR, 5_000, { simulated: true })
  t.ok(Math.abs(replayed.told(T0 + 24 * 7 * HOUR).usual - 3) < 0.01)
})
