import { readFile } from 'node:fs/promises'
import { AutoshieldError } from '../../core/errors.ts'

export interface FollowedFileOptions {
  readonly beatMs: number
  /** Takes another text of the file, or throws what is wrong with it: then all stays as it was. */
  readonly take: (text: string) => void
  /** Told, once, why the file cannot be used. */
  readonly onTrouble: (error: AutoshieldError) => void
}

/** Reads a file again and again, for it may change (a mounted ConfigMap, an editor). */
export class FollowedFile {
  readonly #path: string
  readonly #options: FollowedFileOptions
  #text: string
  #complained = ''

  /** `text` is what was taken already. */
  constructor (path: string, text: string, options: FollowedFileOptions) {
    this.#path = path
    this.#text = text
    this.#options = options
  }

  /** Looks with each beat, until the signal aborts; call it once. */
  async run (every: (ms: number, signal: AbortSignal) => AsyncIterable<number>, signal: AbortSignal): Promise<void> {
    const beats = every(this.#options.beatMs, signal)[Symbol.asyncIterator]()
    while ((await beats.next()).done !== true) await this.#look()
  }

  async #look (): Promise<void> {
    try {
      const text = await readFile(this.#path, 'utf8')
      if (text === this.#text) return
      this.#options.take(text)
      this.#text = text
      this.#complained = ''
    } catch (error) {
      const trouble = AutoshieldError.from(error)
      if (trouble.message !== this.#complained) this.#options.onTrouble(trouble)
      this.#complained = trouble.message
    }
  }
}
