import { readFile } from 'node:fs/promises'
import { parseInjectionSettings } from '../../webhook/inject/settings-file.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { InjectionSettings } from '../core/injection/settings.ts'
import type { Log } from '../controller/log.ts'

const BEAT_MS = 5_000

/** The injection settings in a file that may change (a mounted ConfigMap): read again every few seconds; a bad one changes nothing. */
export class InjectionFile {
  readonly #path: string
  readonly #log: Log
  #text: string
  #settings: InjectionSettings
  #complained = ''

  private constructor (path: string, text: string, log: Log) {
    this.#path = path
    this.#log = log
    this.#text = text
    this.#settings = parseInjectionSettings(text, path)
  }

  /** Throws NOT_FOUND where the file cannot be read, BAD_DATA where it cannot be understood. */
  static async open (path: string, log: Log): Promise<InjectionFile> {
    try {
      return new InjectionFile(path, await readFile(path, 'utf8'), log)
    } catch (cause) {
      if (cause instanceof AutoshieldError) throw cause
      throw new AutoshieldError('NOT_FOUND', `the injection settings ${path} cannot be read (${AutoshieldError.from(cause).message}); name the file with --settings.`, { cause })
    }
  }

  current (): InjectionSettings {
    return this.#settings
  }

  async run (every: (ms: number, signal: AbortSignal) => AsyncIterable<number>, signal: AbortSignal): Promise<void> {
    const beats = every(BEAT_MS, signal)[Symbol.asyncIterator]()
    while ((await beats.next()).done !== true) await this.#look()
  }

  async #look (): Promise<void> {
    try {
      const text = await readFile(this.#path, 'utf8')
      if (text === this.#text) return
      this.#settings = parseInjectionSettings(text, this.#path)
      this.#text = text
      this.#complained = ''
      this.#log.info({ settings: this.#path }, 'new injection settings are in force')
    } catch (error) {
      const { message } = AutoshieldError.from(error)
      if (message !== this.#complained) this.#log.error({ error: message }, 'the injection settings cannot be used; the old ones stay in force')
      this.#complained = message
    }
  }
}
