import type { KeyTable } from '../../src/core/window/key-table.ts'
import { Lane } from '../../src/core/window/lane.ts'
import { makeWindow } from '../../src/core/window/make-window.ts'
import { PortUses } from '../../src/core/window/port-uses.ts'
import { STEPS_MS, type StepMs, type Window } from '../../src/core/window/window.ts'

const [STEP_MS, MIDDLE_MS, LONG_MS] = STEPS_MS
const MIDDLE_STEPS = MIDDLE_MS / STEP_MS
const LONG_STEPS = LONG_MS / STEP_MS
/** A clock that moves further than this at once was set: the open windows are closed as they are. */
const FARTHEST_STEPS = LONG_STEPS

/** One open window of each step; the longer ones are folded from the shorter, as those of packets are. */
export class StepLanes {
  windows = 0
  /** The 0.5 s window that is being filled. */
  readonly lane: Lane
  readonly uses = new PortUses()
  readonly #table: KeyTable
  readonly #middle: Lane
  readonly #long: Lane
  /** Quality bits beside `always`, of the open window of each step. */
  readonly #bits = [0, 0, 0]
  readonly #always: number
  #number = -1

  /** `always`: the quality bits of every window. */
  constructor (table: KeyTable, always: number) {
    this.#table = table
    this.#always = always
    this.lane = new Lane(table)
    this.#middle = new Lane(table)
    this.#long = new Lane(table)
  }

  /** Number of the open 0.5 s window; -1 before any. */
  get number (): number {
    return this.#number
  }

  /** Number of the newest closed window of a step; -1 before any. */
  lastClosed (stepMs: StepMs): number {
    return this.#number < 0 ? -1 : Math.floor(this.#number * STEP_MS / stepMs) - 1
  }

  /** Sets quality bits of the windows that are open. */
  mark (quality: number): void {
    for (const step of this.#bits.keys()) this.#bits[step] = (this.#bits[step] ?? 0) | quality
  }

  /** Makes `number` the open window and returns those that it closes. */
  reach (number: number): Window[] {
    const closed: Window[] = []
    if (this.#number < 0) this.#number = number
    if (number < this.#number || number > this.#number + FARTHEST_STEPS) {
      this.#emit(this.lane, 0, this.#number, closed)
      this.lane.foldInto(this.#middle)
      this.#emit(this.#middle, 1, Math.floor(this.#number / MIDDLE_STEPS), closed)
      this.#middle.foldInto(this.#long)
      this.#emit(this.#long, 2, Math.floor(this.#number / LONG_STEPS), closed)
      for (const lane of [this.lane, this.#middle, this.#long]) lane.clear()
      this.#number = number
    }
    for (; this.#number < number; this.#number++) this.#close(this.#number, closed)
    return closed
  }

  #close (number: number, closed: Window[]): void {
    this.#emit(this.lane, 0, number, closed)
    this.lane.foldInto(this.#middle)
    this.lane.clear()
    if ((number + 1) % MIDDLE_STEPS !== 0) return
    this.#emit(this.#middle, 1, Math.floor(number / MIDDLE_STEPS), closed)
    this.#middle.foldInto(this.#long)
    this.#middle.clear()
    if ((number + 1) % LONG_STEPS !== 0) return
    this.#emit(this.#long, 2, Math.floor(number / LONG_STEPS), closed)
    this.#long.clear()
  }

  #emit (lane: Lane, step: number, number: number, closed: Window[]): void {
    const quality = this.#always | (this.#bits[step] ?? 0)
    this.#bits[step] = 0
    const uses = step === 2 ? this.uses.take(number) : null
    for (let cell = 0; cell < lane.count; cell++) closed.push(makeWindow(lane, cell, step, number, quality, this.#table, uses))
    this.windows += lane.count
  }
}
