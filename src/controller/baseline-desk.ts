import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../core/errors.ts'
import { entryOf, forgetBaselines, listBaselines, type Forgetting } from '../core/evidence/baseline-book.ts'
import { BaselineSpec, MAX_TAUGHT, type Baseline } from '../core/evidence/baseline-entry.ts'
import type { Memory } from '../core/evidence/memory.ts'
import { readTaught, taughtId, type Taught } from '../core/evidence/taught.ts'
import type { Baselines } from '../ports/baselines.ts'
import type { Clock } from '../ports/clock.ts'
import type { Journal } from './journal.ts'

export interface BaselineDeskParts {
  readonly detections: {
    /** What is remembered of live traffic. */
    readonly memory: Memory
    /** Changes it, and saves it at once. */
    readonly edit: (change: (memory: Memory) => void) => Promise<void>
  }
  readonly journal: Pick<Journal, 'record'>
  readonly clock: Clock
}

const check = Compile(BaselineSpec)

/** What workloads are known for, to be read and corrected; each correction is in the trail before it counts. */
export class BaselineDesk implements Baselines {
  readonly #parts: BaselineDeskParts

  constructor (parts: BaselineDeskParts) {
    this.#parts = parts
  }

  list (of: string | null): readonly Baseline[] {
    return listBaselines(this.#parts.detections.memory, this.#parts.clock.now(), of)
  }

  async teach (spec: unknown, actor: string): Promise<Baseline> {
    const { detections, journal, clock } = this.#parts
    const said = read(spec, actor, clock.now())
    const id = taughtId(said)
    this.#makeRoom(id)
    const before = detections.memory.taught.get(id)
    await journal.record({ actor, action: 'baseline.taught', object: `baseline/${id}`, reason: 'BaselineTaught', detail: { ...said, before: before ?? null } })
    await detections.edit(({ taught }) => { taught.set(id, said) })
    return entryOf(said)
  }

  async forget (what: Forgetting, actor: string, reason: string): Promise<readonly Baseline[]> {
    const { detections, journal, clock } = this.#parts
    const known = this.#known(what)
    if (known.length === 0) throw new AutoshieldError('NOT_FOUND', `Nothing is known of ${what.of}${what.port === null ? '' : ` at port ${what.port}`}: \`autoshield baselines list\` shows what is, and how ends are named.`)
    await journal.record({ actor, action: 'baseline.forgotten', object: `baseline/${what.of}`, reason: 'BaselineForgotten', detail: { port: what.port, why: reason, count: known.length, forgotten: known.slice(0, MOST_TOLD).map(({ id, amount }) => ({ id, amount })) } })
    let forgotten: readonly Baseline[] = []
    await detections.edit((memory) => { forgotten = forgetBaselines(memory, what, clock.now()) })
    return forgotten
  }

  #known (what: Forgetting): readonly Baseline[] {
    return listBaselines(this.#parts.detections.memory, this.#parts.clock.now(), what.of).filter(({ port }) => what.port === null || port === what.port)
  }

  /** What has ended goes. Throws CONFLICT where another finds no room. */
  #makeRoom (id: string): void {
    const { detections: { memory: { taught } }, clock } = this.#parts
    for (const [each, { untilMs }] of taught) if (untilMs <= clock.now()) taught.delete(each)
    if (taught.has(id) || taught.size < MAX_TAUGHT) return
    throw new AutoshieldError('CONFLICT', `People said ${MAX_TAUGHT} baselines already: forget some with \`autoshield baselines forget\`, or wait for their ends.`)
  }
}

/** Of what is forgotten, so many entries are named in the trail. */
const MOST_TOLD = 50

function read (spec: unknown, by: string, nowMs: number): Taught {
  const problems = check.Check(spec) ? [] : [...check.Errors(spec)].map(({ instancePath, message }) => `spec${instancePath.replaceAll('/', '.')}: ${message}`)
  if (!check.Check(spec)) throw new AutoshieldError('BAD_DATA', [...new Set(problems)].join('; '))
  const said = readTaught(spec, by, nowMs)
  if (!said.ok) throw new AutoshieldError('BAD_DATA', said.problems.join('; '))
  return said.taught
}
