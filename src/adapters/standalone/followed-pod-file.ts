import type { AutoshieldError } from '../../core/errors.ts'
import type { Pod } from '../../core/pod.ts'
import type { Clock } from '../../ports/clock.ts'
import type { PodDirectory } from '../../ports/directories.ts'
import { FollowedFile } from './followed-file.ts'
import { parsePodFile, readPodText, type PodFileOptions } from './pod-file.ts'

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
  readonly #file: FollowedFile
  readonly #listeners = new Set<() => void>()
  #pods: PodDirectory

  /** Throws as `readPodText` and `parsePodFile` do. */
  constructor (path: string, options: FollowedPodFileOptions) {
    this.#path = path
    this.#options = options
    const text = readPodText(path)
    this.#pods = parsePodFile(text, path, options)
    this.#file = new FollowedFile(path, text, { beatMs: BEAT_MS, take: (changed) => this.#take(changed), onTrouble: options.onTrouble })
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
    await this.#file.run(every, signal)
  }

  #take (text: string): void {
    const [before, nowMs] = [this.#pods, this.#options.clock.now()]
    const createdMs = (uid: string): number | undefined => {
      const known = before.byUid(uid)
      return known === null ? nowMs : known.createdMs
    }
    this.#pods = parsePodFile(text, this.#path, { ...this.#options, createdMs })
    for (const listener of this.#listeners) listener()
  }
}
