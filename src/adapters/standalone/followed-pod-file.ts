import { readFile } from 'node:fs/promises'
import { AutoshieldError } from '../../core/errors.ts'
import type { Pod } from '../../core/pod.ts'
import type { Clock, PodDirectory } from '../../ports.ts'
import { parsePodFile, readPodFile, type PodFileOptions } from './pod-file.ts'

export interface FollowedPodFileOptions extends Pick<PodFileOptions, 'observed'> {
  readonly clock: Clock
  /** Told, once, why a changed file cannot be used; the pods stay as they were. */
  readonly onTrouble: (error: AutoshieldError) => void
}

const BEAT_MS = 1_000

/** The pods of a `pods.json` that may change: what it lacks is gone, what is new in it was made when it was first seen there. */
export class FollowedPodFile implements PodDirectory {
  readonly #path: string
  readonly #options: FollowedPodFileOptions
  readonly #listeners = new Set<() => void>()
  #text: string | null = null
  #pods: PodDirectory
  #complained = ''

  /** Throws as `readPodFile` does. */
  constructor (path: string, options: FollowedPodFileOptions) {
    this.#path = path
    this.#options = options
    this.#pods = readPodFile(path, options)
  }

  byAddress (address: string): Pod | null {
    return this.#pods.byAddress(address)
  }

  byUid (uid: string): Pod | null {
    return this.#pods.byUid(uid)
  }

  list (): readonly Pod[] {
    return this.#pods.list()
  }

  onChange (listener: () => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => { this.#listeners.delete(listener) } }
  }

  /** Reads the file again with each beat, until the signal aborts; call it once. */
  async run (every: (ms: number, signal: AbortSignal) => AsyncIterable<number>, signal: AbortSignal): Promise<void> {
    const beats = every(BEAT_MS, signal)[Symbol.asyncIterator]()
    while ((await beats.next()).done !== true) await this.#look()
  }

  async #look (): Promise<void> {
    try {
      const text = await readFile(this.#path, 'utf8')
      if (text === this.#text) return
      const [before, nowMs] = [this.#pods, this.#options.clock.now()]
      const createdMs = (uid: string): number | undefined => {
        const known = before.byUid(uid)
        return known === null ? nowMs : known.createdMs
      }
      this.#pods = parsePodFile(text, this.#path, { ...this.#options, createdMs })
      this.#text = text
      this.#complained = ''
      for (const listener of this.#listeners) listener()
    } catch (error) {
      const trouble = AutoshieldError.from(error)
      if (trouble.message !== this.#complained) this.#options.onTrouble(trouble)
      this.#complained = trouble.message
    }
  }
}
