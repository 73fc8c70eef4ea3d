import { AutoshieldError } from '../../core/errors.ts'
import { exceptionFor, markOf } from '../../core/feedback/mark-detection.ts'
import type { Mark } from '../../core/feedback/mark.ts'
import { type Precision, precisionOf } from '../../core/feedback/precision.ts'
import { Turns } from '../../core/turns.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ExceptionBook } from '../../ports/exceptions.ts'
import type { Feedback, Said } from '../../ports/feedback.ts'
import type { Collection, ObjectStore } from '../../ports/object-store.ts'
import type { Journal } from '../journal.ts'
import type { ControllerMetrics } from '../metrics.ts'

export interface FeedbackDeskParts {
  readonly marks: Collection<Mark>
  readonly store: Pick<ObjectStore, 'detections'>
  readonly exceptions: Pick<ExceptionBook, 'add'>
  readonly journal: Journal
  readonly metrics: ControllerMetrics
  readonly clock: Clock
}

/** What people say of detections: kept beside them and in the trail, counted, and where it is asked made an exception. */
export class FeedbackDesk implements Feedback {
  readonly #parts: FeedbackDeskParts
  readonly #turns = new Turns()
  version = 0

  constructor (parts: FeedbackDeskParts) {
    this.#parts = parts
  }

  /** Tells the metrics what was kept; to be called at the start. */
  restore (): void {
    this.#parts.metrics.marked(this.precision())
  }

  marks (): readonly Mark[] {
    return this.#parts.marks.list()
  }

  precision (): readonly Precision[] {
    return precisionOf(this.marks())
  }

  async mark (id: string, { verdict, reason, exceptUntil }: Said, by: string): Promise<Mark> {
    const { marks, store, exceptions, journal, metrics, clock } = this.#parts
    const detection = store.detections.get(id)
    if (detection === null) throw new AutoshieldError('NOT_FOUND', `There is no detection '${id}': \`autoshield detections list\` shows them.`)
    if (verdict === 'confirmed' && exceptUntil !== null) throw new AutoshieldError('BAD_DATA', 'An exception is for what is a false alarm: mark it as one, or leave the exception out.')
    return this.#turns.take(id, async () => {
      const exception = exceptUntil === null ? null : `mark-${id.toLowerCase()}`
      if (exception !== null && exceptUntil !== null) await exceptions.add(exception, exceptionFor(detection, { reason, by, until: exceptUntil }), by)
      const mark = markOf(detection, { verdict, reason, by, at: new Date(clock.now()).toISOString(), exception })
      await journal.record({
        actor: by,
        action: 'detection.marked',
        object: `detection/${id}`,
        reason: verdict === 'confirmed' ? 'MarkedConfirmed' : 'MarkedFalseAlarm',
        detail: { class: mark.class, why: reason, exception, before: marks.get(id)?.verdict ?? null },
      })
      await marks.put(id, mark)
      this.version++
      metrics.marked(this.precision())
      return mark
    })
  }
}
