import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ModelStore } from '../../src/adapters/models/model-store.ts'
import { FollowedModels, type ModelUser } from '../../src/cli/followed-models.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { Comparison } from '../../src/core/model/comparison.ts'
import { type ModelStanding, NOTHING_CHOSEN, promote, putInShadow, rollBack } from '../../src/core/model/standing.ts'
import type { Scorer } from '../../src/ports/scorer.ts'

const asked = { by: 'ann', reason: 'better', at: '2026-01-01T00:00:00.000Z' }

const COMPARISON: Comparison = {
  current: 'one', candidate: 'two', since: asked.at, until: asked.at, windows: 4, skipped: 0, failed: 0, agreed: 3, alarms: {}, difference: { mean: 0, p99: null, max: 0 }, latency: { current: { p50Ms: 1, p99Ms: 2 }, candidate: { p50Ms: 1, p99Ms: 2 } },
}

/** A model that tells when it is let go. */
function named (version: string, gone: string[]): Scorer {
  return {
    model: { version, classes: ['BENIGN', 'X'], contextColumns: [], thresholds: [1, 0.5], usual: {}, known: null },
    prototypes: null,
    score: async () => new Float32Array(),
    [Symbol.asyncDispose]: async () => { gone.push(version) },
  }
}

class User implements ModelUser {
  current: Scorer
  shadow: Scorer | null = null
  readonly told: ModelStanding[] = []

  constructor (current: Scorer) {
    this.current = current
  }

  promote = async (scorer: Scorer): Promise<Scorer> => {
    const before = this.current
    this.current = scorer
    return before
  }

  setShadow = async (scorer: Scorer | null): Promise<void> => { this.shadow = scorer }
  compared: Comparison | null = null
  readonly toldComparisons: Comparison[] = []
  comparison = () => this.compared
  tellModels = (standing: ModelStanding): void => { this.told.push(standing) }
  tellComparison = (comparison: Comparison): void => { this.toldComparisons.push(comparison) }
}

/** One look a beat, after each thing that is asked for. */
async function followed (store: ModelStore, broken: readonly string[], steps: readonly ((user: User) => Promise<void>)[]) {
  const [gone, said]: [string[], string[]] = [[], []]
  const models = await FollowedModels.open({
    store,
    load: async (version) => {
      if (version !== null && broken.includes(version)) throw new AutoshieldError('UNTRUSTED', `${version} is broken`)
      return named(version ?? 'given', gone)
    },
    say: (text) => said.push(text),
  })
  const user = new User(models.scorer)
  async function * beats (): AsyncGenerator<number> {
    for (const [index, step] of steps.entries()) {
      await step(user)
      yield index
    }
  }
  await models.run(user, beats, new AbortController().signal)
  return { models, user, gone, said }
}

t.test('the choice is followed while it runs, and each model is let go when another has its place', async (t) => {
  const store = new ModelStore(t.testdir())
  const choose = (change: (choice: typeof NOTHING_CHOSEN) => typeof NOTHING_CHOSEN | null) => async (): Promise<void> => {
    const choice = change(await store.choice())
    if (choice !== null) await store.choose(choice)
  }
  const seen: (string | null)[] = []
  const { models, user, gone } = await followed(store, [], [
    choose((choice) => putInShadow(choice, 'one', asked)),
    choose((choice) => promote(choice, 'one', asked)),
    async (user) => { seen.push(user.current.model.version, user.shadow?.model.version ?? null) },
    choose((choice) => rollBack(choice, asked)),
  ])
  t.same(seen, ['one', null])
  t.equal(user.current.model.version, 'given')
  t.same(user.told.map(({ sequence, current, shadow }) => [sequence, current, shadow]), [[0, 'given', null], [1, 'given', 'one'], [2, 'one', null], [3, 'given', null]])
  t.same(gone, ['given', 'one', 'one'], 'the given one, the candidate, and the one that was promoted')
  t.match(await store.standing(), { sequence: 3, current: 'given', refused: [], by: 'ann', classes: ['X'] })
  await models[Symbol.asyncDispose]()
  t.same(gone.at(-1), 'given')
})

t.test('a model that cannot be used is refused with its reason, and the one of before goes on', async (t) => {
  const store = new ModelStore(t.testdir())
  const { user, said } = await followed(store, ['bad'], [
    async () => store.choose(promote(NOTHING_CHOSEN, 'good', asked)),
    async () => store.choose(promote(await store.choice(), 'bad', asked)),
  ])
  t.equal(user.current.model.version, 'good')
  t.match(user.told.at(-1), { current: 'good', refused: [{ version: 'bad', message: 'bad is broken' }] })
  t.match(said.at(-1), /model bad is refused, and good goes on: bad is broken/)
})

t.test('what is installed is told when it changes, though nothing was asked for', async (t) => {
  const store = new ModelStore(t.testdir())
  const { user } = await followed(store, [], [
    async () => undefined,
    async () => { await mkdir(join(store.folder, 'mine-2')) },
    async () => undefined,
  ])
  t.same(user.told.map(({ sequence, installed }) => [sequence, installed]), [[0, []], [0, ['mine-2']]])
})

t.test('what was compared is kept, and told to whoever follows the detector', async (t) => {
  const store = new ModelStore(t.testdir())
  const { user } = await followed(store, [], [async (user) => { user.compared = COMPARISON }])
  t.same(user.toldComparisons, [COMPARISON])
  t.same(await store.comparison(), COMPARISON)
})

t.test('a candidate that cannot be used leaves the current one alone', async (t) => {
  const store = new ModelStore(t.testdir())
  const { user } = await followed(store, ['bad'], [async () => store.choose(putInShadow(NOTHING_CHOSEN, 'bad', asked))])
  t.match(user.told.at(-1), { current: 'given', shadow: null, refused: [{ version: 'bad' }] })
})

t.test('after a restart a refused choice falls back to the one of before it', async (t) => {
  const store = new ModelStore(t.testdir())
  await store.choose(promote(promote(NOTHING_CHOSEN, 'good', asked), 'bad', asked))
  const { user } = await followed(store, ['bad'], [])
  t.equal(user.current.model.version, 'good')
  t.match(user.told, [{ current: 'good', refused: [{ version: 'bad' }] }])
  const none = await followed(store, ['bad', 'good'], [])
  t.equal(none.user.current.model.version, 'given')
})
