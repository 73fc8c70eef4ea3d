import type { TypeWord } from './resource.ts'
import type { Response } from './stream.ts'

/** What a client keeps from one of its streams to the next: the versions under which it got what. */
export class Memory {
  readonly #resources = new Map<string, string>()
  readonly #types = new Map<TypeWord, string>()

  /** `accepted`: only then is the type's version the client's. */
  remember (type: TypeWord, { resources, version }: Response, accepted: boolean): void {
    for (const resource of resources) this.#resources.set(`${type} ${resource.text}`, resource.version)
    if (accepted) this.#types.set(type, version)
  }

  /** The newest version of a type that was accepted; '' where there is none. */
  versionOf (type: TypeWord): string {
    return this.#types.get(type) ?? ''
  }

  /** Whether a resource came before, as it is. */
  knows (type: TypeWord, text: string): boolean {
    return this.#resources.has(`${type} ${text}`)
  }

  /** For `initial_resource_versions`: name -> version, of resources in a case's words. */
  initial (type: TypeWord, texts: readonly string[]): Record<string, string> {
    return Object.fromEntries(texts.map((text) => {
      const version = this.#resources.get(`${type} ${text}`)
      if (version === undefined) throw new TypeError(`${type} ${text} never came, so it cannot have been kept`)
      return [text.slice(0, -1), version]
    }))
  }
}
