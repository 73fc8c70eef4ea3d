import { status } from '@grpc/grpc-js'
import type { Answer, Ask, Case, Change, Ends, Expect, Silence, Step, StreamWord, Variant } from './case.ts'
import { World } from './world.ts'
import type { Control } from './control.ts'
import { Gathering, textsOf } from './gathering.ts'
import { TYPE_WORDS, type TypeWord } from './resource.ts'
import { PlayedStream } from './played-stream.ts'
import { Memory } from './memory.ts'

/** How long an answer that must come is waited for. */
const DEADLINE_MS = 5000

/** Thrown to end a case: after it nothing that follows means anything. */
class Broken extends Error {}

const namesIn = (text = ''): string[] => text.split(' ').filter((name) => name !== '')

/** The types that a case is about; the fence is of another. */
export const typesOf = ({ steps }: Case): Set<string> => new Set(steps.flatMap((step) => 'set' in step ? Object.keys(step.set) : Object.values(step).map(String)))
const fenceOf = (played: Case): TypeWord => (['route', 'secret', 'endpoints', 'extension'] as const).find((type) => !typesOf(played).has(type)) ?? 'extension'

/** Plays a case against a server; gives what was wrong, a line each, and nothing where the server conforms. */
export async function play (played: Case, variant: Variant, control: Control): Promise<string[]> {
  using player = new Player(variant, control, fenceOf(played))
  return await player.play(played.steps)
}

class Player implements Disposable {
  readonly #variant: Variant
  readonly #control: Control
  readonly #fence: TypeWord
  readonly #world: World
  readonly #memories: Record<StreamWord, Memory> = { first: new Memory(), second: new Memory() }
  readonly #streams = new Map<StreamWord, PlayedStream>()
  readonly #problems: string[] = []
  #fences = 0

  constructor (variant: Variant, control: Control, fence: TypeWord) {
    this.#variant = variant
    this.#control = control
    this.#fence = fence
    this.#world = new World(fence)
  }

  async play (steps: readonly Step[]): Promise<string[]> {
    await this.#control.set(this.#world.change({}))
    let at = 0
    try {
      for (const step of steps) {
        at++
        await this.#step(step)
      }
      at++
      for (const on of this.#streams.keys()) await this.#silence({ silence: 'all', on })
    } catch (error) {
      if (!(error instanceof Broken)) throw error
      this.#problems.push(error.message)
    }
    return this.#problems.map((problem) => `step ${at}: ${problem}`)
  }

  async #step (step: Step): Promise<void> {
    if ('set' in step) await this.#set(step)
    else if ('ask' in step) this.#ask(step)
    else if ('expect' in step) await this.#expect(step)
    else if ('answer' in step) this.#answer(step)
    else if ('silence' in step) await this.#silence(step)
    else if ('reconnect' in step) this.#close(step.reconnect)
    else await this.#ends(step)
  }

  /** What was said before must have been heard, or who is asked and what changes would race. */
  async #set ({ set }: Change): Promise<void> {
    for (const stream of this.#streams.values()) await this.#pass(stream)
    await this.#control.set(this.#world.change(set))
  }

  #stream (on: StreamWord = 'first'): PlayedStream {
    const stream = this.#streams.get(on) ?? new PlayedStream(this.#variant, this.#control.open(), this.#memories[on])
    this.#streams.set(on, stream)
    return stream
  }

  #ask ({ ask, add, drop, kept, nonce, node, on }: Ask): void {
    this.#stream(on).ask(ask, { add: namesIn(add), drop: namesIn(drop), kept: kept === undefined ? null : namesIn(kept), stale: nonce === 'stale', node: node === 'again' })
  }

  #answer ({ answer, with: reply, on }: Answer): void {
    this.#stream(on).answer(answer, reply)
  }

  async #expect (step: Expect): Promise<void> {
    const { expect, then = 'ack', order, on = 'first' } = step
    const stream = this.#stream(on)
    const gathering = Gathering.of(this.#variant, step, (text) => this.#memories[on].knows(expect, text))
    if (gathering === null) return
    const since = stream.taken
    do {
      const response = await stream.next(expect, DEADLINE_MS)
      if (response === null) throw new Broken(`no ${expect} came in ${DEADLINE_MS} ms; missing: ${gathering.missing}${stream.waiting}`)
      const odd = gathering.take(response)
      if (odd !== null) throw new Broken(odd)
      if (order === 'after' && response.arrival < since) this.#problems.push(`${expect}: '${textsOf(response).join(' ')}' came too early`)
      stream.reply(response, then)
    } while (!gathering.complete)
    this.#problems.push(...stream.violations())
  }

  /** Asks for a fence, and takes its answer. What came before stays to be taken. */
  async #pass (stream: PlayedStream): Promise<void> {
    const name = World.fence(this.#fences++)
    stream.ask(this.#fence, { add: [name] })
    for (let found = false; !found;) {
      const response = await stream.next(this.#fence, DEADLINE_MS)
      if (response === null) throw new Broken(`the fence, ${this.#fence} ${name}, did not come in ${DEADLINE_MS} ms${stream.waiting}`)
      found = response.resources.some((resource) => resource.name === name)
      stream.reply(response, 'ack')
    }
  }

  async #silence ({ or, on }: Silence): Promise<void> {
    const stream = this.#stream(on)
    await this.#pass(stream)
    for (const type of TYPE_WORDS) {
      for (let response = stream.pending(type); response !== null; response = stream.pending(type)) {
        const got = textsOf(response)
        if (or !== 'empty' || got.length > 0) throw new Broken(`${type}: '${got.join(' ')}' came, and should not`)
        stream.reply(response, 'ack')
        or = undefined // once
      }
    }
    if (stream.waiting !== '') throw new Broken(stream.waiting)
    this.#problems.push(...stream.violations())
  }

  async #ends ({ ends, on = 'first' }: Ends): Promise<void> {
    const ended = await this.#stream(on).ended(DEADLINE_MS)
    if (ended === null) throw new Broken(`the stream did not end in ${DEADLINE_MS} ms`)
    if (ended !== status[ends]) this.#problems.push(`the stream ended with ${status[ended]}, and should with ${ends}`)
    this.#close(on)
  }

  #close (on: StreamWord): void {
    this.#streams.get(on)?.[Symbol.dispose]()
    this.#streams.delete(on)
  }

  [Symbol.dispose] (): void {
    for (const stream of this.#streams.values()) stream[Symbol.dispose]()
  }
}
