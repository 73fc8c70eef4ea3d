import type { Variant } from './case.ts'
import type { TypeWord } from './resource.ts'
import type { Response } from './stream.ts'

/** What holds of every response of a stream, whatever the case is about. */
export class Invariants {
  readonly #variant: Variant
  readonly #asked = new Set<TypeWord>()
  readonly #nonces = new Set<string>()
  /** Of each resource, what it was when it last came, under which version. */
  readonly #last = new Map<string, { readonly text: string, readonly version: string }>()

  constructor (variant: Variant) {
    this.#variant = variant
  }

  asked (type: TypeWord): void {
    this.#asked.add(type)
  }

  /** What is wrong with the next response, a line each. */
  check ({ type, typeUrl, nonce, version, resources, removed }: Response): string[] {
    if (type === null || !this.#asked.has(type)) return [`a response of ${typeUrl}, which was not asked for`]
    const problems: string[] = []
    if (nonce === '') problems.push('no nonce') // "Basic Protocol Overview": all responses contain one
    if (this.#nonces.has(nonce)) problems.push(`the nonce '${nonce}' a second time`)
    this.#nonces.add(nonce)
    const names = [...resources.map(({ name }) => name), ...removed]
    if (new Set(names).size < names.length) problems.push(`a name twice: ${names.join(' ')}`) // "Duplicate Resource Names"
    for (const { name, text, version: own } of resources) {
      const at = this.#variant === 'delta' ? own : version
      const key = `${type} ${name}`
      const last = this.#last.get(key)
      if (at === '') problems.push(`${text} without a version`)
      // "ACK/NACK and resource type instance version": whenever a resource changes, so does the version
      if (last !== undefined && last.text !== text && last.version === at) problems.push(`${last.text} and ${text} under one version, '${at}'`)
      this.#last.set(key, { text, version: at })
    }
    return problems
  }
}
