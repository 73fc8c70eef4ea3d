import { readFile } from 'node:fs/promises'
import { FollowedFile } from '../adapters/standalone/followed-file.ts'
import type { Log } from '../controller/log.ts'
import { type AlertSettings, NO_ALERT_SETTINGS, parseAlertSettings } from '../core/errand/alert-settings.ts'
import { AutoshieldError } from '../core/errors.ts'

const BEAT_MS = 5_000

/** Throws NOT_FOUND where the file cannot be read, BAD_DATA with every problem where it cannot be understood. */
export async function readAlertsFile (path: string): Promise<{ settings: AlertSettings, text: string }> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AutoshieldError('NOT_FOUND', `the alert settings ${path} cannot be read (${AutoshieldError.from(cause).message}); name the file with --alerts.`, { cause })
  })
  return { settings: parseAlertSettings(text, path), text }
}

/** The alert settings in a file that may change: read again every few seconds; a bad one changes nothing. Without a file there are no channels but the log. */
export class AlertsFile {
  readonly #file: FollowedFile | null
  #settings: AlertSettings

  private constructor (settings: AlertSettings, source: { path: string, text: string } | null, log: Log) {
    this.#settings = settings
    this.#file = source === null
      ? null
      : new FollowedFile(source.path, source.text, {
        beatMs: BEAT_MS,
        take: (changed) => {
          this.#settings = parseAlertSettings(changed, source.path)
          log.info({ settings: source.path }, 'new alert settings are in force')
        },
        onTrouble: ({ message }) => log.error({ error: message }, 'the alert settings cannot be used; the old ones stay in force'),
      })
  }

  /** Throws as `readAlertsFile` does. */
  static async open (path: string | undefined, log: Log): Promise<AlertsFile> {
    if (path === undefined) return new AlertsFile(NO_ALERT_SETTINGS, null, log)
    const { settings, text } = await readAlertsFile(path)
    return new AlertsFile(settings, { path, text }, log)
  }

  current (): AlertSettings {
    return this.#settings
  }

  async run (every: (ms: number, signal: AbortSignal) => AsyncIterable<number>, signal: AbortSignal): Promise<void> {
    await this.#file?.run(every, signal)
  }
}
