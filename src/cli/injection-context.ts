import { readFile } from 'node:fs/promises'
import type { Log } from '../controller/log.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { InjectionContext, InjectionSettings } from '../core/injection/settings.ts'
import type { CredentialSource } from '../ports/identity.ts'
import type { KubernetesApi } from '../ports/kubernetes.ts'
import { readVersion } from './installed.ts'

export interface LiveInjectionContextParts {
  readonly api: KubernetesApi
  readonly settings: () => InjectionSettings
  /** Whom observers shall believe: a file that the kubelet keeps up to date, or whoever vouches for the webhook itself. */
  readonly authorities: { readonly kind: 'file', readonly path: string } | { readonly kind: 'serving', readonly credentials: CredentialSource }
  readonly every: (ms: number, signal: AbortSignal) => AsyncIterable<number>
  readonly log: Log
}

const BEAT_MS = 2_000
/** A control plane that is upgraded keeps its name and address, so its version is asked for again. */
const VERSION_BEATS = 150

/** What injection decides with, put together anew when a part of it changes. */
export class LiveInjectionContext {
  readonly #parts: LiveInjectionContextParts
  #version: InjectionContext['cluster'] | null = null
  #authorities = ''
  #context: InjectionContext | null = null
  #complained = ''

  constructor (parts: LiveInjectionContextParts) {
    this.#parts = parts
  }

  /** Null while something is not known; the same object until something changes. */
  current (): InjectionContext | null {
    const settings = this.#parts.settings()
    if (this.#version === null || this.#authorities === '') return null
    const { settings: oldSettings, authorities, cluster } = this.#context ?? {}
    if (oldSettings !== settings || authorities !== this.#authorities || cluster !== this.#version) {
      this.#context = { settings, authorities: this.#authorities, cluster: this.#version }
    }
    return this.#context
  }

  async run (signal: AbortSignal): Promise<void> {
    await this.#look(0)
    const beats = this.#parts.every(BEAT_MS, signal)[Symbol.asyncIterator]()
    for (let beat = await beats.next(); beat.done !== true; beat = await beats.next()) await this.#look(beat.value + 1)
  }

  async #look (beat: number): Promise<void> {
    try {
      this.#authorities = await this.#readAuthorities()
      if (this.#version === null || beat % VERSION_BEATS === 0) await this.#readVersion()
      this.#complained = ''
    } catch (error) {
      const { message } = AutoshieldError.from(error)
      if (message !== this.#complained) this.#parts.log.warn({ error: message }, 'what observers are made with is not known anew')
      this.#complained = message
    }
  }

  async #readVersion (): Promise<void> {
    const { major, minor } = await readVersion(this.#parts.api)
    if (this.#version?.major !== major || this.#version.minor !== minor) this.#version = { major, minor }
  }

  async #readAuthorities (): Promise<string> {
    const { authorities } = this.#parts
    switch (authorities.kind) {
      case 'file': return readFile(authorities.path, 'utf8')
      case 'serving': return authorities.credentials.current().authorities
    }
  }
}
