import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'

/** The newest acknowledged entry of the trail. */
export interface Head {
  readonly sequence: number
  readonly hash: string
}

const SLOT_BYTES = 256

/**
 * The end of the trail, kept beside the database and written before an entry is acknowledged. So a database that ends
 * before the head was cut, while one that goes on behind it was only interrupted between the two writes.
 *
 * Two slots are written in turn, each with its own checksum: a torn write spoils one and leaves the other. The file has
 * its full size from the start, so a full disk does not stop it. It is not flushed: it outlives a killed process in the
 * page cache, and after a loss of power an older head behind a flushed database is allowed.
 */
export class HeadFile implements Disposable {
  readonly #fd: number
  #slot: 0 | 1

  private constructor (fd: number, slot: 0 | 1) {
    this.#fd = fd
    this.#slot = slot
  }

  /** Opens the file, or makes it with `initial` in both slots where it is missing or unreadable. */
  static open (path: string, initial: Head): HeadFile {
    if (readHead(path) === null) {
      const fd = openSync(path, 'w+', 0o600)
      const file = new HeadFile(fd, 0)
      file.write(initial)
      file.write(initial)
      return file
    }
    const newest = slots(path).at(-1)
    return new HeadFile(openSync(path, 'r+'), newest?.slot === 0 ? 1 : 0)
  }

  write (head: Head): void {
    const bytes = Buffer.alloc(SLOT_BYTES, ' ')
    const text = JSON.stringify(head)
    bytes.write(`${checksum(text)} ${text}`)
    writeSync(this.#fd, bytes, 0, SLOT_BYTES, this.#slot * SLOT_BYTES)
    this.#slot = this.#slot === 0 ? 1 : 0
  }

  [Symbol.dispose] (): void {
    closeSync(this.#fd)
  }
}

/** The newest readable head; null where the file is missing or neither slot can be read. */
export function readHead (path: string): Head | null {
  return slots(path).at(-1)?.head ?? null
}

/** The readable slots, oldest first. */
function slots (path: string): { slot: 0 | 1, head: Head }[] {
  if (!existsSync(path)) return []
  const bytes = readFileSync(path)
  return ([0, 1] as const)
    .flatMap((slot) => {
      const head = parse(bytes.toString('utf8', slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES).trim())
      return head === null ? [] : [{ slot, head }]
    })
    .sort((a, b) => a.head.sequence - b.head.sequence)
}

function parse (line: string): Head | null {
  const space = line.indexOf(' ')
  const text = line.slice(space + 1)
  if (space < 0 || checksum(text) !== line.slice(0, space)) return null
  const { sequence, hash } = JSON.parse(text) as Record<string, unknown> // we wrote it: its checksum fits
  return typeof sequence === 'number' && typeof hash === 'string' ? { sequence, hash } : null
}

const checksum = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32)
