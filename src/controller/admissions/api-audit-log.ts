import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../../core/errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Checkpoints } from '../../ports/object-store.ts'
import type { Log } from '../log.ts'
import { readAuditEvent, type LoggedChange } from './audit-event.ts'
import { atEachBeat, type Every } from './beats.ts'
import type { Keep } from './held-records.ts'
import { LogTail } from './log-tail.ts'
import type { WhoChanged } from './webhook-watch.ts'

export interface ApiAuditLogParts {
  /** The API server's audit log: one JSON event a line (`--audit-log-path`, level Metadata or above). */
  readonly file: string
  readonly keep: Keep
  readonly checkpoints: Checkpoints
  readonly clock: Clock
  readonly every: Every
  readonly log: Log
  /** What is told elsewhere: a watch on our own webhook configurations, AutoShield's own accounts. */
  readonly isToldElsewhere: (change: { readonly plural: string, readonly name: string, readonly user: string }) => boolean
}

const CHECKPOINT = 'api-audit-log'
const Place = Compile(Type.Object({ file: Type.String(), offset: Type.Integer({ minimum: 0 }) }))
const BEAT_MS = 1_000
/** The newest changes of what Kubernetes exempts from webhooks: few people write those. */
const MAX_RECENT = 500

/** Reads the API server's own audit log: who changed what no webhook can see, and what passed one that did not answer. */
export class ApiAuditLog implements WhoChanged {
  readonly #parts: ApiAuditLogParts
  #recent: LoggedChange[] = []
  #isAway = false

  constructor (parts: ApiAuditLogParts) {
    this.#parts = parts
  }

  whoChanged: WhoChanged['whoChanged'] = ({ plural, name, deleted, sinceMs }) => {
    const found = this.#recent.findLast((change) => change.plural === plural && change.entry.name === name && (change.entry.operation === 'DELETE') === deleted && change.atMs >= sinceMs)
    return found === undefined ? null : { user: found.entry.user, groups: found.entry.groups }
  }

  /** Follows the file until the signal aborts; where it is away, it is looked for again at each beat. */
  async run (signal: AbortSignal): Promise<void> {
    const { file, checkpoints, every } = this.#parts
    await using tail = new LogTail(file)
    const saved = checkpoints.load(CHECKPOINT)
    let started = false
    const look = async (): Promise<void> => {
      try {
        if (!started) {
          await tail.start(Place.Check(saved) ? saved : null)
          await checkpoints.save(CHECKPOINT, tail.place)
          started = true
        }
        await this.#read(tail)
        this.#isAway = false
      } catch (error) {
        this.#complain(AutoshieldError.from(error))
      }
    }
    await look()
    await atEachBeat(every, BEAT_MS, signal, look)
  }

  async #read (tail: LogTail): Promise<void> {
    const { keep, checkpoints, clock } = this.#parts
    const [before, fromMs] = [tail.place, clock.now()]
    let unreadable = -tail.skipped
    for await (const line of tail.lines()) {
      const change = readAuditEvent(line)
      if (change === null) unreadable++
      else if (change !== 'other') this.#hear(change)
    }
    unreadable += tail.skipped
    if (unreadable > 0) keep([{ gap: { cause: 'audit-log', count: unreadable, from: new Date(fromMs - BEAT_MS).toISOString(), until: new Date(clock.now()).toISOString() }, origin: null }])
    const { place } = tail
    if (place.file !== before.file || place.offset !== before.offset) await checkpoints.save(CHECKPOINT, place)
  }

  #hear (change: LoggedChange): void {
    const { keep, isToldElsewhere } = this.#parts
    const { entry, plural, unseen } = change
    if (unseen === null) return
    if (unseen === 'exempt') this.#recent = [...this.#recent.slice(1 - MAX_RECENT), change]
    if (!isToldElsewhere({ plural, name: entry.name, user: entry.user })) keep([{ entry, origin: null }])
  }

  #complain (error: AutoshieldError): void {
    const { log, file } = this.#parts
    if (!this.#isAway) log.warn({ err: error }, `the API server's audit log ${file} cannot be read; users of changes that no webhook sees stay unknown until it can`)
    this.#isAway = true
  }
}
