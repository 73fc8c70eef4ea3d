import { randomUUID } from 'node:crypto'
import type { LoopEvent } from '../../ports/loop.ts'
import { AutoshieldError } from '../../core/errors.ts'

export interface FeedLimits {
  /** Events kept for readers that come back with Last-Event-ID. */
  readonly history: number
  /** Events that wait for one slow reader before it is told to fetch everything anew. */
  readonly queue: number
  readonly readers: number
  readonly heartbeatMs: number
}

export const FEED_LIMITS: FeedLimits = { history: 1024, queue: 512, readers: 64, heartbeatMs: 15_000 }

interface Reader {
  frames: string[]
  /** Only the newest picture of the traffic counts, so it waits beside the queue and never fills it. */
  traffic: string | null
  /** Events lost since the last `reset` that was sent. */
  lost: number
  wake: () => void
}

const frame = (event: string, data: unknown, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/**
 * Hands the loop's events to any number of readers as server-sent events. Everything is bounded: a reader that does not
 * keep up loses its queue whole and gets one `reset` in its place, after which it fetches the lists again. All events
 * carry whole objects, so nothing is lost but intermediate states.
 */
export class EventFeed {
  readonly #limits: FeedLimits
  /** Ids of another run of the process must not be taken for ours. */
  readonly #run = randomUUID().slice(0, 8)
  readonly #readers = new Set<Reader>()
  #history: { readonly number: number, readonly text: string }[] = []
  #number = 0
  #traffic: string | null = null
  #dropped = 0

  constructor (limits: FeedLimits = FEED_LIMITS) {
    this.#limits = limits
  }

  /** Readers now, and events that slow readers lost since the start. */
  get counts (): { readers: number, dropped: number } {
    return { readers: this.#readers.size, dropped: this.#dropped }
  }

  publish (event: LoopEvent): void {
    if (event.type === 'traffic') {
      this.#traffic = frame('traffic', event)
      for (const reader of this.#readers) reader.traffic = this.#traffic
    } else {
      const number = ++this.#number
      const text = frame(event.type, event, `${this.#run}-${number}`)
      this.#history.push({ number, text })
      if (this.#history.length > this.#limits.history) this.#history.shift()
      for (const reader of this.#readers) this.#enqueue(reader, text)
    }
    for (const reader of this.#readers) reader.wake()
  }

  #enqueue (reader: Reader, text: string): void {
    if (reader.lost === 0 && reader.frames.length < this.#limits.queue) {
      reader.frames.push(text)
      return
    }
    const lost = reader.frames.length + 1
    reader.frames = []
    reader.lost += lost
    this.#dropped += lost
  }

  /** What a reader that saw `lastEventId` has missed; null when that cannot be told, so that it must fetch everything. */
  #missedSince (lastEventId: string | undefined): string[] | null {
    const [run, digits] = lastEventId?.split('-') ?? []
    if (run !== this.#run || digits === undefined || !/^\d{1,15}$/.test(digits)) return null
    const seen = Number(digits)
    const oldest = this.#history[0]?.number ?? this.#number + 1
    if (seen > this.#number || seen < oldest - 1) return null
    return this.#history.filter(({ number }) => number > seen).map(({ text }) => text)
  }

  /**
   * The stream of one reader, as text of server-sent events, until the signal aborts. Opens with `hello`, which says
   * whether the stream goes on where `lastEventId` ended. Throws UNAVAILABLE where too many readers are connected.
   */
  open (lastEventId: string | undefined, signal: AbortSignal): AsyncGenerator<string, void> {
    if (this.#readers.size >= this.#limits.readers) {
      throw new AutoshieldError('UNAVAILABLE', `All ${this.#limits.readers} event streams are taken; close a page that shows them, or try again later.`)
    }
    const missed = this.#missedSince(lastEventId)
    // Registered here, not at the first read, so that no event falls between the call and that read; and given up by
    // the signal, because a generator that was never started runs no `finally`.
    const reader: Reader = { frames: missed ?? [], traffic: this.#traffic, lost: 0, wake: () => {} }
    if (!signal.aborted) this.#readers.add(reader)
    signal.addEventListener('abort', () => {
      this.#readers.delete(reader)
      reader.wake()
    }, { once: true })
    // The id lets a reader that has seen no event yet resume from here.
    const hello = frame('hello', { resumed: missed !== null }, missed === null ? `${this.#run}-${this.#number}` : undefined)
    return this.#read(reader, `retry: 2000\n${hello}`, signal)
  }

  async * #read (reader: Reader, hello: string, signal: AbortSignal): AsyncGenerator<string, void> {
    yield hello
    while (!signal.aborted) {
      const text = this.#take(reader)
      if (text !== '') yield text
      else if (!await this.#news(reader, signal)) yield ': heartbeat\n\n'
    }
  }

  #take (reader: Reader): string {
    const reset = reader.lost > 0 ? frame('reset', { lost: reader.lost }, `${this.#run}-${this.#number}`) : ''
    const text = reset + reader.frames.join('') + (reader.traffic ?? '')
    reader.frames = []
    reader.traffic = null
    reader.lost = 0
    return text
  }

  /** Waits until something is there to take, or for one heartbeat; false says that nothing came. */
  async #news (reader: Reader, signal: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const heartbeat = setTimeout(() => resolve(false), this.#limits.heartbeatMs)
    reader.wake = () => resolve(true)
    try {
      return signal.aborted || await promise
    } finally {
      clearTimeout(heartbeat)
      reader.wake = () => {}
    }
  }
}
