import t from 'tap'
import type { ModelInfo, Scorer } from '../../src/ports/scorer.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'
import { FakeScorer, POD_ADDRESS, Told, recent, stage } from './stage.ts'

const pair = { kind: 'pair', source: POD_ADDRESS, destination: '10.0.0.9' } as const
const windowOf = (number: number) => syntheticWindow({ key: pair, number, features: { syn_count: 900 } })

/** As the other, with a class more, of which it is certain. */
class CustomScorer implements Scorer {
  readonly model: ModelInfo = { ...new FakeScorer().model, version: 'mine', classes: ['BENIGN', 'CUSTOM_ATTACK'], thresholds: [1, 0.5] }
  readonly prototypes = null
  ended = 0
  score = async (count: number): Promise<Float32Array> => Float32Array.from({ length: 2 * count }, (_, index) => index % 2)
  async [Symbol.asyncDispose] (): Promise<void> { this.ended++ }
}

/** Holds each of its runs until it is let go. */
class HeldScorer extends FakeScorer {
  readonly #held: (() => void)[] = []
  #arrived = Promise.withResolvers<undefined>()

  override async score (count: number, tensors: Float32Array): Promise<Float32Array> {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#held.push(() => resolve(undefined))
    this.#arrived.resolve(undefined)
    await promise
    return super.score(count, tensors)
  }

  async running (): Promise<void> {
    await this.#arrived.promise
    this.#arrived = Promise.withResolvers()
  }

  release (): void {
    for (const release of this.#held.splice(0)) release()
  }
}

t.test('a model is swapped between rounds: no window is lost, and each score is told under the model that made it', async (t) => {
  const { start, uplink, source } = await stage(t)
  const held = new HeldScorer()
  const { address, detector } = await start({ scorer: held })
  const told = new Told(t, source(address))
  await told.synced()
  const observer = uplink(address)
  const first = recent(10)
  observer.uplink.push([windowOf(first)], new Map([[500, first]]))
  await held.running()
  const next = new CustomScorer()
  const swapped = detector.promote(next)
  observer.uplink.push([windowOf(first + 1), windowOf(first + 2)], new Map([[500, first + 2]]))
  held.release()
  t.equal(await swapped, held, 'the model of before is handed back when nothing uses it any more')
  await told.until(({ scores }) => scores.length === 3)
  const models = told.events.flatMap((event) => event.type === 'synced' ? [event.model.version] : event.type === 'scores' ? event.scores.map(({ windowNumber, probabilities }) => `${windowNumber - first}: ${probabilities.length}`) : [])
  t.same(models, ['fake', '0: 6', 'mine', '1: 2', '2: 2'])
  t.match(detector.stats(), { dropped: 0, tensors: 3 })
})

t.test('a class of another model reaches the controller by its name, and can be explained', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address, detector } = await start()
  await detector.promote(new CustomScorer())
  const scores = source(address)
  const told = new Told(t, scores)
  await told.synced()
  t.match(told.events[0], { type: 'synced', model: { version: 'mine', classes: ['BENIGN', 'CUSTOM_ATTACK'] } })
  const observer = uplink(address)
  observer.uplink.push([windowOf(recent(4))], new Map([[500, recent(4)]]))
  await told.until((told) => told.scores.length === 1)
  const [score] = told.scores
  if (score === undefined) throw new Error('no score came')
  const { evidence } = await scores.explain(score, 'CUSTOM_ATTACK', Array<number>(12).fill(0))
  t.equal(evidence.length, 12)
})

t.test('a candidate scores the same windows, and nothing follows from what it says', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address, detector } = await start()
  const told = new Told(t, source(address))
  await told.synced()
  t.equal(detector.comparison(), null)
  const candidate = new CustomScorer()
  await detector.setShadow(candidate)
  const observer = uplink(address)
  const number = recent(4)
  observer.uplink.push([windowOf(number)], new Map([[500, number]]))
  await told.until(({ scores }) => scores.length === 1)
  t.equal(told.scores[0]?.probabilities.length, 6, 'the score is the current model\'s')
  await detector.setShadow(candidate) // resolves after the round
  t.match(detector.comparison(), { current: 'fake', candidate: 'mine', windows: 0 }, 'and what is compared begins anew with each candidate')
})

t.test('which models are used is told to those who follow, and to those who come later', async (t) => {
  const { start, source } = await stage(t)
  const { address, detector } = await start()
  const early = new Told(t, source(address))
  await early.synced()
  const standing = { sequence: 3, current: 'fake', shadow: null, refused: [{ version: 'bad', message: 'it is broken' }], by: 'ann', reason: 'try', installed: ['bad', 'mine'], classes: ['PORT_SCAN', 'CUSTOM_ATTACK'] }
  const latency = { p50Ms: 1, p99Ms: null }
  const at = '2026-01-01T00:00:00.000Z'
  const comparison = { current: 'fake', candidate: 'mine', since: at, until: at, windows: 2, skipped: 0, failed: 0, agreed: 1, alarms: { X: { current: 1, candidate: 0, both: 0 } }, difference: { mean: 0.5, p99: 1, max: 1 }, latency: { current: latency, candidate: latency } }
  detector.tellModels(standing)
  detector.tellComparison(comparison)
  const late = new Told(t, source(address))
  for (const told of [early, late]) {
    await told.until(({ events }) => events.some(({ type }) => type === 'models'))
    t.same(told.events.find(({ type }) => type === 'models'), { type: 'models', standing })
    await told.until(({ events }) => events.some(({ type }) => type === 'comparison'))
    t.same(told.events.find(({ type }) => type === 'comparison'), { type: 'comparison', comparison })
  }
})
