import { open, stat, type FileHandle } from 'node:fs/promises'

export interface TailPlace {
  /** Device and inode: a rotated file keeps them under another name. */
  readonly file: string
  readonly offset: number
}

const CHUNK_BYTES = 64 << 10
/** One look reads this much at most; the rest comes with the next. */
const MAX_READ_BYTES = 16 << 20
/** An event with its bodies is bounded by the API server at 1.5 MiB (etcd's limit of an object) and a little. */
const MAX_LINE_BYTES = 4 << 20

/** Follows a file of lines that another process writes and rotates, from its end or from where the last run stopped. */
export class LogTail implements AsyncDisposable {
  /** Lines that were longer than any that is read. */
  skipped = 0
  readonly #path: string
  #handle: FileHandle | null = null
  #file = ''
  #offset = 0
  #rest: Buffer[] = []
  #restBytes = 0

  constructor (path: string) {
    this.#path = path
  }

  get place (): TailPlace {
    return { file: this.#file, offset: this.#offset - this.#restBytes }
  }

  /** Goes on at `from` where the file is still that one; else starts at its end. Rejects where it cannot be opened. */
  async start (from: TailPlace | null): Promise<void> {
    await this.#open()
    const { size } = await this.#opened().stat()
    this.#offset = from !== null && from.file === this.#file && from.offset <= size ? from.offset : size
  }

  /** The lines that were added since, whole ones only. What is left of a rotated file comes before the new one. */
  async * lines (): AsyncGenerator<string, void> {
    for (let read = 0; read < MAX_READ_BYTES;) {
      const { bytesRead, buffer } = await this.#opened().read({ buffer: Buffer.allocUnsafe(CHUNK_BYTES), position: this.#offset })
      if (bytesRead > 0) {
        read += bytesRead
        this.#offset += bytesRead
        yield * this.#split(buffer.subarray(0, bytesRead))
        continue
      }
      if (!await this.#wasReplaced()) return
      await this.#open()
    }
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.#handle?.close()
    this.#handle = null
  }

  * #split (chunk: Buffer): Generator<string, void> {
    let from = 0
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      const line = [...this.#rest, chunk.subarray(from, end)]
      const tooLong = this.#restBytes > MAX_LINE_BYTES
      from = end + 1
      this.#rest = []
      this.#restBytes = 0
      if (tooLong) this.skipped++
      else yield Buffer.concat(line).toString('utf8')
    }
    this.#restBytes += chunk.length - from
    if (this.#restBytes <= MAX_LINE_BYTES) this.#rest.push(chunk.subarray(from))
    else this.#rest = [] // too long to be read: only its length is remembered
  }

  /** Rotated by renaming: another file has the name. Or by truncation: it is shorter than what was read of it. */
  async #wasReplaced (): Promise<boolean> {
    const now = await stat(this.#path).catch(() => null) // between renaming and making anew there is none
    return now !== null && (fileOf(now) !== this.#file || now.size < this.#offset)
  }

  async #open (): Promise<void> {
    const handle = await open(this.#path, 'r')
    await this.#handle?.close()
    this.#handle = handle
    this.#file = fileOf(await handle.stat())
    this.#offset = 0
    this.#rest = []
    this.#restBytes = 0
  }

  #opened (): FileHandle {
    if (this.#handle === null) throw new RangeError('the log was not started')
    return this.#handle
  }
}

const fileOf = ({ dev, ino }: { dev: number, ino: number }): string => `${dev}:${ino}`
