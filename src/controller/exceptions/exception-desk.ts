import { isDeepStrictEqual } from 'node:util'
import { AutoshieldError } from '../../core/errors.ts'
import { MAX_EXCEPTIONS, type Exception } from '../../core/exception/exception.ts'
import { exceptionStatus, standingOf, type Standing } from '../../core/exception/exception-status.ts'
import { readExceptionSpec } from '../../core/exception/read-exception.ts'
import type { Mitigation } from '../../core/mitigation/mitigation.ts'
import type { Rule } from '../../core/policy/rule.ts'
import { Turns } from '../../core/turns.ts'
import type { Detection } from '../../core/verdict/detection.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ExceptionBook, Exceptions } from '../../ports/exceptions.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { ANNOTATIONS } from '../mitigation-case.ts'
import type { Journal, NewAuditEntry } from '../journal.ts'
import type { Log } from '../log.ts'
import type { MitigationDesk } from '../mitigation-desk.ts'
import type { PolicyBook } from '../policy-book.ts'
import type { RolloutDesk } from '../rollout/rollout-desk.ts'
import { Wake } from '../wake.ts'
import type { ExceptionsInForce } from './exceptions-in-force.ts'

export interface ExceptionDeskParts {
  readonly exceptions: Exceptions
  readonly inForce: ExceptionsInForce
  readonly mitigations: MitigationDesk
  readonly store: Pick<ObjectStore, 'detections'>
  readonly book: PolicyBook
  readonly rollouts: Pick<RolloutDesk, 'applications'>
  readonly journal: Journal
  readonly clock: Clock
  readonly log: Log
}

const ACTOR = 'autoshield'
const objectOf = (name: string): string => `exception/${name}`

/** Follows exceptions: which hold, what they cover, their status and their end, each in the trail. */
export class ExceptionDesk implements ExceptionBook {
  readonly #parts: ExceptionDeskParts
  readonly #news = new Wake()
  /** Whoever looks sees what the one before made of it. */
  readonly #turns = new Turns()
  /** What was told of each, by uid, generation and standing. */
  readonly #told = new Map<string, string>()
  /** Some mitigation that is covered could not be ended yet. */
  #unended = false

  constructor (parts: ExceptionDeskParts) {
    this.#parts = parts
  }

  list (): readonly Exception[] {
    return this.#parts.exceptions.list()
  }

  async add (name: string, spec: unknown, actor: string): Promise<Exception> {
    const { exceptions, journal, clock } = this.#parts
    const at = new Date(clock.now()).toISOString()
    const read = readExceptionSpec(spec, at)
    if (!read.ok) throw new AutoshieldError('BAD_DATA', read.problems.join('; '))
    if (Date.parse(read.spec.until) <= clock.now()) throw new AutoshieldError('BAD_DATA', `spec.until: ${read.spec.until} has passed: name a time to come`)
    return this.#turns.take('', async () => {
      const made = await exceptions.add(name, read.spec, at)
      await journal.record({ actor, action: 'exception.added', object: objectOf(name), reason: 'Covering', detail: { spec: read.spec } }).catch(async (error: unknown) => {
        await exceptions.remove(name) // what is not in the trail did not happen
        throw error
      })
      this.#told.set(name, keyOf(made, 'covering'))
      await this.#look()
      return this.#find(name) ?? made
    })
  }

  async remove (name: string, actor: string, reason: string): Promise<Exception> {
    const { exceptions, journal } = this.#parts
    const found = this.#find(name)
    if (found === null) throw new AutoshieldError('NOT_FOUND', `There is no exception "${name}": list them with \`autoshield exceptions list\`.`)
    return this.#turns.take('', async () => {
      await journal.record({ actor, action: 'exception.removed', object: objectOf(name), reason: 'ExceptionEnded', detail: { spec: found.spec, reason } })
      this.#told.delete(name)
      await exceptions.remove(name)
      await this.#look()
      return found
    })
  }

  /** To be looked at soon. */
  ring (): void {
    this.#news.ring()
  }

  /** Follows what others write until the signal aborts. */
  async run (signal: AbortSignal): Promise<void> {
    const listening = this.#parts.exceptions.onChange(() => this.#news.ring())
    while (await this.#news.next(signal)) await this.look()
    listening[Symbol.dispose]()
  }

  /** Puts in force what holds now, ends the mitigations that it covers, and tells what changed. */
  async look (): Promise<void> {
    await this.#turns.take('', async () => this.#look())
  }

  async #look (): Promise<void> {
    const { inForce, clock } = this.#parts
    const all = this.list().toSorted(oldestFirst).map((exception, index) => ({ exception, standing: index < MAX_EXCEPTIONS ? standingOf(exception, clock.now()) : TOO_MANY }))
    const changed = inForce.set(all.flatMap(({ exception: { metadata: { name } }, standing }) => standing.standing === 'covering' ? [{ name, spec: standing.spec }] : []))
    const news = [...this.#gone(new Set(all.map(({ exception }) => exception.metadata.name))), ...all.flatMap(({ exception, standing }) => this.#newsOf(exception, standing))]
    if (news.length > 0) await this.#parts.journal.keep({ writes: () => [], audit: news })
    if (changed || this.#unended) await this.#endCovered()
    await Promise.all(all.map(async ({ exception, standing }) => this.#tell(exception, standing)))
  }

  #find (name: string): Exception | null {
    return this.list().find(({ metadata }) => metadata.name === name) ?? null
  }

  #gone (names: ReadonlySet<string>): NewAuditEntry[] {
    const gone = [...this.#told.keys()].filter((name) => !names.has(name))
    for (const name of gone) this.#told.delete(name)
    return gone.map((name) => ({ actor: ACTOR, action: 'exception.gone', object: objectOf(name), reason: 'ExceptionEnded', detail: {} }))
  }

  /** What came, changed or ended since the last look; after a restart its status says what was told. */
  #newsOf (exception: Exception, standing: Standing): NewAuditEntry[] {
    const { metadata: { name, generation }, spec, status } = exception
    const key = keyOf(exception, standing.standing)
    const before = this.#told.get(name)
    this.#told.set(name, key)
    const active = status?.conditions.find(({ type }) => type === 'Active')
    const reason = REASONS_OF[standing.standing]
    if (before === key || (before === undefined && active?.observedGeneration === generation && active.reason === reason)) return []
    const detail = standing.standing === 'refused' ? { spec, problems: standing.problems } : { spec }
    return [{ actor: ACTOR, action: `exception.${standing.standing}`, object: objectOf(name), reason, detail: { generation, ...detail } }]
  }

  /** Mitigations whose case is excepted now end; where one cannot be, the next look tries again. */
  async #endCovered (): Promise<void> {
    const { mitigations, store, inForce, log } = this.#parts
    this.#unended = false
    for (const mitigation of mitigations.active) {
      const detection = store.detections.get(mitigation.spec.detection)
      const rule = detection === null ? null : this.#ruleOf(mitigation, detection)
      const action = rule?.actions[Number(mitigation.metadata.annotations[ANNOTATIONS.action])]
      const why = detection === null || rule === null || action === undefined ? null : inForce.coverage(detection, rule, action)?.words ?? null
      if (why === null) continue
      await mitigations.revert(mitigation.metadata.name, { actor: ACTOR, reason: 'Excepted', why }).catch((thrown: unknown) => {
        this.#unended = true
        log.warn({ mitigation: mitigation.metadata.name, error: AutoshieldError.from(thrown).message }, 'a mitigation that an exception covers could not be ended')
      })
    }
  }

  /** The rule that a mitigation is of, as it is now; null where there is none any more. */
  #ruleOf ({ spec: { owner } }: Mitigation, detection: Detection): Rule | null {
    const { book, rollouts } = this.#parts
    return [...book.policy.rules, ...rollouts.applications(detection).map(({ rule }) => rule)].find(({ id }) => id === owner.rule) ?? null
  }

  async #tell (exception: Exception, standing: Standing): Promise<void> {
    const { exceptions, inForce, clock, log } = this.#parts
    const { name } = exception.metadata
    const covered = inForce.covered(name)
    const status = exceptionStatus(exception, standing, covered, clock.now())
    if (isDeepStrictEqual(status, exception.status)) return
    try {
      await exceptions.tell(name, status)
      if (covered !== null) inForce.written(name, covered)
    } catch (thrown) {
      const error = AutoshieldError.from(thrown)
      if (error.code !== 'NOT_FOUND') log.warn({ exception: name, error: error.message }, 'the status of an exception could not be written; it is tried again')
    }
  }
}

const keyOf = ({ metadata: { uid, generation } }: Exception, standing: Standing['standing']): string => `${uid} ${generation} ${standing}`

const REASONS_OF = { covering: 'Covering', ended: 'ExceptionEnded', refused: 'ExceptionRefused' } as const satisfies Record<Standing['standing'], string>
const TOO_MANY: Standing = { standing: 'refused', problems: [`there are more than ${MAX_EXCEPTIONS} exceptions, and the oldest hold: remove those that ended`] }

const oldestFirst = ({ metadata: left }: Exception, { metadata: right }: Exception): number =>
  Date.parse(left.creationTimestamp) - Date.parse(right.creationTimestamp) || (left.name < right.name ? -1 : 1)
