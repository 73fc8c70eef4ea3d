import { readFile } from 'node:fs/promises'
import { parseInjectionSettings } from '../../webhook/inject/settings-file.ts'
import { FollowedFile } from '../adapters/standalone/followed-file.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { InjectionSettings } from '../core/injection/settings.ts'
import type { Log } from '../controller/log.ts'

const BEAT_MS = 5_000

/** The injection settings in a file that may change (a mounted ConfigMap): read again every few seconds; a bad one changes nothing. */
export class InjectionFile {
  readonly #file: FollowedFile
  #settings: InjectionSettings

  private constructor (path: string, text: string, log: Log) {
    this.#settings = parseInjectionSettings(text, path)
    this.#file = new FollowedFile(path, text, {
      beatMs: BEAT_MS,
      take: (changed) => {
        this.#settings = parseInjectionSettings(changed, path)
        log.info({ settings: path }, 'new injection settings are in force')
      },
      onTrouble: ({ message }) => log.error({ error: message }, 'the injection settings cannot be used; the old ones stay in force'),
    })
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
    await this.#file.run(every, signal)
  }
}
