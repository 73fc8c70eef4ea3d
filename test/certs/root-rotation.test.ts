import fc from 'fast-check'
import t from 'tap'
import { nextStep, promoted, withNext, without, type RotationMoment, type Roots, type RotationSettings, type RotationStep } from '../../certs/root-rotation.ts'
import { DAY_MS, HOUR_MS } from './samples.ts'

const SETTINGS: RotationSettings = { overlapMs: 30 * DAY_MS, publishMs: DAY_MS, settleMs: HOUR_MS, leafMs: DAY_MS, marginMs: HOUR_MS }
const root = (id: string, notAfterDays: number) => ({ id, notAfterMs: notAfterDays * DAY_MS })
const A = root('a', 365)
const B = root('b', 700)

interface Row {
  readonly name: string
  readonly roots: Partial<Roots>
  readonly day: number
  readonly moment?: Partial<RotationMoment>
  readonly due: RotationStep
}

const rest = (untilDay: number): RotationStep => ({ step: 'rest', untilMs: Math.round(untilDay * DAY_MS) })

const TABLE: readonly Row[] = [
  { name: 'a young root is left alone', roots: {}, day: 10, due: rest(335) },
  { name: 'a moment before the overlap', roots: {}, day: 334.999, due: rest(335) },
  { name: 'at the overlap a successor is made', roots: {}, day: 335, due: { step: 'make' } },
  { name: 'also by a start long after', roots: {}, day: 400, due: { step: 'make' } },
  { name: 'a person asks', roots: {}, day: 10, moment: { requested: true }, due: { step: 'make' } },
  { name: 'a person asks while a successor waits', roots: { next: { ...B, trustedSinceMs: 335 * DAY_MS } }, day: 335.5, moment: { requested: true }, due: rest(336) },
  { name: 'the bundle goes out first', roots: { next: { ...B, trustedSinceMs: 335 * DAY_MS } }, day: 335.999, due: rest(336) },
  { name: 'then the successor signs', roots: { next: { ...B, trustedSinceMs: 335 * DAY_MS } }, day: 336, due: { step: 'promote' } },
  { name: 'a start after days of absence hands out the bundle first', roots: { next: { ...B, trustedSinceMs: 335 * DAY_MS } }, day: 340, moment: { startedMs: 340 * DAY_MS }, due: { step: 'rest', untilMs: 340 * DAY_MS + HOUR_MS } },
  { name: 'but an ended signer is followed at once', roots: { next: { ...B, trustedSinceMs: 364.9 * DAY_MS } }, day: 365, moment: { startedMs: 365 * DAY_MS }, due: { step: 'promote' } },
  { name: 'a clock that went back only waits', roots: { next: { ...B, trustedSinceMs: 340 * DAY_MS } }, day: 335, due: rest(341) },
  { name: 'a retired root stays while a leaf of it may live', roots: { signer: B, retired: [{ ...A, retiredAtMs: 336 * DAY_MS }] }, day: 337, due: { step: 'rest', untilMs: 337 * DAY_MS + HOUR_MS } },
  { name: 'and leaves after that', roots: { signer: B, retired: [{ ...A, retiredAtMs: 336 * DAY_MS }] }, day: 337.1, due: { step: 'drop', ids: ['a'] } },
  { name: 'it leaves when it ends, for its leaves have, too', roots: { signer: B, retired: [{ ...A, retiredAtMs: 364.5 * DAY_MS }] }, day: 365, due: { step: 'drop', ids: ['a'] } },
  { name: 'of two retired the older leaves', roots: { signer: B, retired: [{ ...A, retiredAtMs: 336 * DAY_MS }, { ...root('z', 350), retiredAtMs: 300 * DAY_MS }] }, day: 336.5, due: { step: 'drop', ids: ['z'] } },
]

t.test('each moment of a rotation has one thing that is due', (t) => {
  for (const { name, roots, day, moment, due } of TABLE) {
    t.strictSame(nextStep({ signer: A, next: null, retired: [], ...roots }, { nowMs: Math.round(day * DAY_MS), startedMs: 0, requested: false, ...moment }, SETTINGS), due, name)
  }
  t.end()
})

/** The world around the rotation: leaves that are issued, and bundles that people hold for up to `publishMs`. */
class World {
  nowMs = 0
  startedMs = 0
  roots: Roots = { signer: { id: '0', notAfterMs: 100 * DAY_MS }, next: null, retired: [] }
  made = 0
  requested = false
  readonly leaves: Array<{ issuer: string, endMs: number }> = []
  readonly bundles: Array<{ ids: string[], atMs: number }> = []

  look (): void {
    const { signer, next, retired } = this.roots
    this.bundles.push({ ids: [signer, ...next === null ? [] : [next], ...retired].map(({ id }) => id), atMs: this.nowMs })
    this.leaves.push({ issuer: signer.id, endMs: Math.min(this.nowMs + SETTINGS.leafMs, signer.notAfterMs) })
  }

  reconcile (): void {
    for (let due = this.#due(); due.step !== 'rest'; due = this.#due()) {
      if (due.step === 'make') {
        this.requested = false
        this.roots = withNext(this.roots, { id: String(++this.made), notAfterMs: this.nowMs + 100 * DAY_MS }, this.nowMs)
      } else this.roots = due.step === 'promote' ? promoted(this.roots, this.nowMs) : without(this.roots, due.ids)
    }
  }

  /** Leaves that somebody could not verify now. */
  broken (): string[] {
    const live = this.leaves.filter(({ endMs }) => endMs > this.nowMs)
    const held = this.bundles.filter(({ atMs }) => this.nowMs - atMs < SETTINGS.publishMs)
    return live.flatMap(({ issuer }) => held.filter(({ ids }) => !ids.includes(issuer)).map(({ ids }) => `${issuer} by ${ids.join()}`))
  }

  #due (): RotationStep {
    return nextStep(this.roots, { nowMs: this.nowMs, startedMs: this.startedMs, requested: this.requested }, SETTINGS)
  }
}

const events = fc.array(fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.oneof(fc.integer({ min: 1, max: 3 * HOUR_MS }), fc.integer({ min: HOUR_MS, max: DAY_MS })) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'ask' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'restart' as const }) },
  { weight: 3, arbitrary: fc.constant({ type: 'reconcile' as const }) }
), { minLength: 60, maxLength: 300 })

t.test('whatever happens in whatever order, every leaf that has not ended is verified by every bundle that somebody may hold', (t) => {
  let rotations = 0
  fc.assert(fc.property(events, (events) => {
    const world = new World()
    for (const event of events) {
      if (event.type === 'pass') world.nowMs += event.ms
      else if (event.type === 'ask') world.requested = true
      else if (event.type === 'restart') world.startedMs = world.nowMs
      else {
        world.look() // another replica, a moment before
        world.reconcile()
        world.look()
      }
      const broken = world.broken()
      if (broken.length > 0) throw new Error(`at ${world.nowMs / DAY_MS} days: ${broken.join('; ')}`)
    }
    rotations += Number(world.roots.signer.id)
  }), { numRuns: 400 })
  t.ok(rotations > 100, `${rotations} rotations were seen`)
  t.end()
})
