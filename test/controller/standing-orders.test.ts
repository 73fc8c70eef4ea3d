import t from 'tap'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { PanicOrder } from '../../src/core/safety/panic-order.ts'
import type { Score } from '../../src/core/verdict/score.ts'
import { ATTACKER, madeScore, T0 } from '../core/verdict/made-score.ts'
import { Bench, refusing } from './bench.ts'

const scan = (n = 1): Score => madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 * n, reporter: ATTACKER })
const STOP: PanicOrder = { halt: { by: 'configmap/autoshield-panic', reason: 'a release', at: '2026-01-01T00:00:00.000Z' }, undo: false }

/** A standing order that the test gives and takes away. */
class FakeOrders {
  order: PanicOrder | null = null
  readonly #listeners = new Set<() => void>()

  current = (): PanicOrder | null => this.order
  onChange = (listener: () => void): Disposable => {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => { this.#listeners.delete(listener) } }
  }

  give (order: PanicOrder | null): void {
    this.order = order
    for (const listener of this.#listeners) listener()
  }
}

const panics = (bench: Bench) => bench.trail().filter((line) => line.startsWith('panic'))

t.test('for as long as the order stands nothing new is done, and then actions go on by themselves', async (t) => {
  const orders = new FakeOrders()
  await using bench = await Bench.start(t.testdir(), { wrap: () => ({ orders }) })
  orders.give(STOP)
  await bench.until(() => panics(bench).length === 1)
  await bench.scores.push(scan())
  t.match(bench.store.decisions.list()[0], { verdict: 'suppress', reason: 'Halted', message: /by configmap\/autoshield-panic: a release/ })
  await t.rejects(bench.controller.killSwitch.release('ada', 'mended'), { code: 'CONFLICT', message: /delete it/ })
  orders.give(null)
  await bench.until(() => panics(bench).length === 2)
  await bench.scores.push(scan(2))
  t.match(bench.store.decisions.list()[0], { verdict: 'mitigate' })
  t.strictSame(panics(bench), ['panic.begun safety Halted', 'panic.ended safety Released'])
  t.match(bench.events.filter(({ type }) => type === 'halt'), [{ halt: { by: /configmap/ } }, { halt: null }])
})

t.test('an order to undo takes back what is in force, also what could not be undone at once', async (t) => {
  const orders = new FakeOrders()
  const full = { now: false }
  await using bench = await Bench.start(t.testdir(), { wrap: ({ store }) => ({ orders, store: refusing(store, () => full.now ? new AutoshieldError('UNAVAILABLE', 'the disk is full') : null) }) })
  await bench.scores.push(scan())
  t.equal(bench.fleet.inForce.length, 1)
  full.now = true
  orders.give({ ...STOP, undo: true })
  await bench.beat()
  t.equal(bench.fleet.inForce.length, 1, 'what is not on record is not done')
  full.now = false
  await bench.beat()
  await bench.until(() => bench.fleet.inForce.length === 0)
  t.match(bench.store.mitigations.list(), [{ status: { phase: 'reverted' } }])
})

t.test('an order that stands at the start is followed before anything is heard', async (t) => {
  const orders = new FakeOrders()
  orders.order = { ...STOP, undo: true }
  const dir = t.testdir()
  {
    await using bench = await Bench.start(dir)
    await bench.scores.push(scan())
    t.equal(bench.fleet.inForce.length, 1)
  }
  await using again = await Bench.start(dir, { wrap: () => ({ orders }) })
  t.match(again.store.mitigations.list(), [{ status: { phase: 'reverted' } }])
  t.match(again.controller.killSwitch.halt, { reason: 'a release' })
})

t.test('an order that ends leaves what a person said here', async (t) => {
  const orders = new FakeOrders()
  await using bench = await Bench.start(t.testdir(), { wrap: () => ({ orders }) })
  await bench.controller.killSwitch.pull('ada', 'wrong', false)
  orders.give(STOP)
  await bench.scores.push(scan())
  orders.give(null)
  await bench.scores.push(scan(2))
  t.match(bench.controller.killSwitch.halt, { by: 'ada' })
})
