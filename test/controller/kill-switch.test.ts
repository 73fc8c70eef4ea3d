import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { Score } from '../../src/core/verdict/score.ts'
import { ATTACKER, madeScore, T0 } from '../core/verdict/made-score.ts'
import { Bench, refusing } from './bench.ts'

/** A scan that the source's own observer confirms, in the n-th half second. */
const scan = (n = 1): Score => madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 * n, reporter: ATTACKER })

const active = ({ store }: Bench) => store.mitigations.list().filter(({ status }) => status.phase === 'active')
const newest = ({ store }: Bench) => store.decisions.list()[0]

t.test('pulled, nothing new is done and all is still seen; let go on, what goes on is acted on', async (t) => {
  await using bench = await Bench.start(t.testdir())
  t.equal(bench.controller.killSwitch.halt, null)
  const { halt } = await bench.controller.killSwitch.pull('ada', 'it cut the shop off', false)
  t.match(halt, { by: 'ada', reason: 'it cut the shop off' })
  await bench.scores.push(scan())
  t.match(newest(bench), { verdict: 'suppress', reason: 'Halted', message: /All new actions are stopped since .* by ada: it cut the shop off/ })
  t.strictSame(active(bench), [])
  t.equal(bench.store.detections.list().length, 1)
  await bench.controller.killSwitch.release('grace', 'mended')
  await bench.scores.push(scan(2))
  t.match(newest(bench), { verdict: 'mitigate' })
  t.equal(active(bench).length, 1)
  t.strictSame(bench.trail().filter((line) => line.startsWith('panic')), ['panic.begun safety Halted', 'panic.ended safety Released'])
})

t.test('asked to, it undoes what is in force, and a restart does not let actions go on', async (t) => {
  const dir = t.testdir()
  {
    await using bench = await Bench.start(dir)
    await bench.scores.push(scan())
    t.equal(active(bench).length, 1)
    t.match(await bench.controller.killSwitch.pull('ada', 'wrong', true), { undone: 1, failed: [] })
    t.strictSame(active(bench), [])
    t.match(bench.store.mitigations.list(), [{ status: { phase: 'reverted' } }])
    t.strictSame(bench.fleet.inForce, [], 'the proxies were told')
  }
  await using again = await Bench.start(dir)
  t.match(again.controller.killSwitch.halt, { by: 'ada', reason: 'wrong' })
})

t.test('what was decided a moment before it is pulled never begins', async (t) => {
  const [asked, open] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
  await using bench = await Bench.start(t.testdir(), {
    wrap: ({ store: { detections, decisions, mitigations } }) => ({
      store: {
        detections,
        decisions,
        mitigations: {
          get: (name) => mitigations.get(name),
          list: (options) => mitigations.list(options),
          put: async (name, mitigation) => {
            asked.resolve(undefined)
            await open.promise
            await mitigations.put(name, mitigation)
          },
        },
      },
    }),
  })
  const pushed = bench.scores.push(scan())
  await asked.promise
  const pulled = bench.controller.killSwitch.pull('ada', 'wrong', true)
  for (let turn = 0; turn < 100; turn++) await setImmediate() // where it does not wait, it is through by now
  open.resolve(undefined)
  await pushed
  t.match(await pulled, { undone: 0, failed: [] })
  t.match(bench.store.mitigations.list(), [{ status: { phase: 'reverted' } }])
  t.strictSame(bench.fleet.applied.flat(), [], 'no proxy ever heard of it')
  t.ok(bench.trail().includes('mitigation.abandoned mitigation Reverted'))
})

t.test('what waits for a store that refuses does not begin when the store takes writes again', async (t) => {
  const full = { now: false }
  await using bench = await Bench.start(t.testdir(), { wrap: ({ store }) => ({ store: refusing(store, () => full.now ? new AutoshieldError('UNAVAILABLE', 'the disk is full') : null) }) })
  full.now = true
  await bench.scores.push(scan())
  t.strictSame(bench.store.mitigations.list(), [])
  await bench.controller.killSwitch.pull('ada', 'wrong', false)
  full.now = false
  await bench.beat()
  await bench.beat()
  t.match(bench.store.mitigations.list(), [{ status: { phase: 'reverted' } }], 'it is on record, and has ended')
  t.strictSame(bench.fleet.applied.flat(), [])
})

t.test('where it cannot be kept that actions go on, they do not', async (t) => {
  const failing = { now: false }
  await using bench = await Bench.start(t.testdir(), {
    wrap: ({ checkpoints }) => ({
      checkpoints: {
        load: (name) => checkpoints.load(name),
        save: async (name, state) => {
          if (failing.now) throw new AutoshieldError('UNAVAILABLE', 'the disk is full')
          await checkpoints.save(name, state)
        },
      },
    }),
  })
  await bench.controller.killSwitch.pull('ada', 'wrong', false)
  failing.now = true
  await t.rejects(bench.controller.killSwitch.release('grace', 'mended'), { code: 'UNAVAILABLE' })
  t.match(bench.controller.killSwitch.halt, { by: 'ada' })
})

t.test('what is not stopped cannot be let go on', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await t.rejects(bench.controller.killSwitch.release('ada', 'mended'), { code: 'CONFLICT' })
})
