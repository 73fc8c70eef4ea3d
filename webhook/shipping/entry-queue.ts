import { MAX_BATCH_BYTES, MAX_BATCH_ITEMS, type AdmissionGap } from '../../src/core/admission/batch.ts'
import type { AdmissionEntry } from '../../src/core/admission/entry.ts'

/** Something to be sent, written out already: its size is then known, and a resend is the same to the byte. */
interface Item {
  /** Place in the order in which items came. */
  readonly place: number
  readonly json: string
  readonly bytes: number
  readonly at: string
}

export interface OutgoingBatch {
  readonly items: number
  /** Number of its last item. */
  readonly through: number
  /** AdmissionBatch as JSON. */
  readonly body: string
}

export interface QueueBounds {
  readonly items: number
  readonly bytes: number
}

/**
 * What the controller has yet to take. Items wait without a number until there is room in a batch, so dropping one leaves
 * no hole in the numbers; one batch is under way at a time, and stays as it is until it is acknowledged. Where there is no
 * room, entries without a finding go first, the oldest of them first, and what went is told in the batch that follows.
 */
export class EntryQueue {
  readonly #boot: string
  readonly #bounds: QueueBounds
  readonly #plain: Item[] = []
  readonly #marked: Item[] = []
  #sending: { readonly batch: OutgoingBatch, readonly bytes: number, readonly entries: number, readonly gap: AdmissionGap | null, readonly from: string, readonly until: string } | null = null
  #gap: AdmissionGap | null = null
  #place = 0
  #sequence = 0
  #bytes = 0
  #lost = 0

  /** `boot` is 16 random bytes in hexadecimal, drawn once a process. */
  constructor (boot: string, bounds: QueueBounds) {
    this.#boot = boot
    this.#bounds = bounds
  }

  /** Entries that wait or are under way. */
  get size (): number {
    return this.#plain.length + this.#marked.length + (this.#sending?.entries ?? 0)
  }

  /** Entries that will never arrive. */
  get lost (): number {
    return this.#lost
  }

  add (entry: AdmissionEntry): void {
    const json = JSON.stringify(entry)
    const item = { place: this.#place++, json, bytes: Buffer.byteLength(json), at: entry.at }
    const queue = entry.findings.length > 0 || !entry.allowed ? this.#marked : this.#plain
    queue.push(item)
    this.#bytes += item.bytes
    while (this.size > this.#bounds.items || this.#bytes > this.#bounds.bytes) {
      const dropped = this.#plain.shift() ?? this.#marked.shift()
      if (dropped === undefined) return // all that is left is under way
      this.#bytes -= dropped.bytes
      this.#miss('overflow', 1, dropped.at, dropped.at)
    }
  }

  /** Tells of reviews that nobody looked at, so that there is no entry of them. */
  addGap ({ cause, count, from, until }: AdmissionGap): void {
    this.#miss(cause, count, from, until, false)
  }

  /** The batch that is under way, or else the next one; null where nothing waits. */
  next (): OutgoingBatch | null {
    if (this.#sending !== null) return this.#sending.batch
    const items = this.#take()
    const gap = this.#gap
    if (items.length === 0 && gap === null) return null
    this.#gap = null
    const said = [...gap === null ? [] : [`"gap":${JSON.stringify(gap)}`], ...items.map(({ json }) => `"entry":${json}`)]
    const body = `{"boot":"${this.#boot}","items":[${said.map((text) => `{"sequence":${++this.#sequence},${text}}`).join(',')}]}`
    const batch = { items: said.length, through: this.#sequence, body }
    this.#sending = {
      batch,
      bytes: items.reduce((sum, item) => sum + item.bytes, 0),
      entries: items.length,
      gap,
      from: items[0]?.at ?? gap?.from ?? '',
      until: items.at(-1)?.at ?? gap?.until ?? '',
    }
    return batch
  }

  /** The batch under way is in the trail. */
  acknowledge (): void {
    this.#bytes -= this.#sending?.bytes ?? 0
    this.#sending = null
  }

  /**
   * The batch under way can never be taken: it is given up, and told as a gap. A gap that was refused alone is told once
   * more by the cause that every controller knows; refused as that, it is given up, too, so refusals come to an end.
   */
  refuse (): void {
    const sending = this.#sending
    this.acknowledge()
    if (sending === null) return
    const { gap, entries } = sending
    if (gap !== null && (entries > 0 || gap.cause !== 'refused')) this.#miss('refused', gap.count, gap.from, gap.until, false)
    if (entries > 0) this.#miss('refused', entries, sending.from, sending.until)
  }

  /** As many of the oldest items as fit a batch; one place is the gap's. */
  #take (): Item[] {
    const items: Item[] = []
    let bytes = 0
    while (items.length < MAX_BATCH_ITEMS - 1) {
      const queue = this.#older()
      const [item] = queue
      bytes += item?.bytes ?? 0
      if (item === undefined || (items.length > 0 && bytes > MAX_BATCH_BYTES)) break
      items.push(item)
      queue.shift()
    }
    return items
  }

  /** The queue whose head came first. */
  #older (): Item[] {
    const [plain, marked] = [this.#plain[0], this.#marked[0]]
    return plain === undefined || (marked !== undefined && marked.place < plain.place) ? this.#marked : this.#plain
  }

  /** One gap holds all that was missed since the last batch; its cause is the newest. */
  #miss (cause: AdmissionGap['cause'], count: number, from: string, until: string, isNew = true): void {
    if (isNew) this.#lost += count
    this.#gap = this.#gap === null
      ? { cause, count, from, until }
      : { cause, count: this.#gap.count + count, from: this.#gap.from < from ? this.#gap.from : from, until: this.#gap.until > until ? this.#gap.until : until }
  }
}
