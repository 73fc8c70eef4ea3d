import { Type, type Static } from 'typebox'
import type { Pod } from '../pod.ts'

/** By what something is known to be protected. */
export const PROTECTED_BY = ['own', 'system', 'operator', 'api-server', 'dns', 'webhook', 'aggregated-api', 'node-agent', 'node'] as const

export const Protected = Type.Object({
  kind: Type.Union([Type.Literal('namespace'), Type.Literal('pod'), Type.Literal('address')], { description: 'What is protected: every pod of a namespace, one pod, or whoever has an address.' }),
  name: Type.String({ description: 'Name of the namespace, NAMESPACE/NAME of the pod, or the address.' }),
  uid: Type.Optional(Type.String({ description: 'UID of the pod.' })),
  by: Type.Enum([...PROTECTED_BY], { description: 'By what it is known.' }),
  how: Type.String({ description: 'How it is known, in a sentence.' }),
}, { $id: 'Protected', additionalProperties: false, description: 'Something that no restriction may touch.' })
export type Protected = Readonly<Static<typeof Protected>>

/** What is protected at one moment. Never changes; a question costs the same however much is protected. */
export class ProtectedSet {
  /** Each once, in the order in which it was found. */
  readonly list: readonly Protected[]
  readonly #namespaces = new Map<string, Protected>()
  readonly #pods = new Map<string, Protected>()
  readonly #addresses = new Map<string, Protected>()

  /** Of several reasons for one thing the first counts. */
  constructor (found: readonly Protected[]) {
    for (const one of found) {
      const [map, key] = this.#placeOf(one)
      if (!map.has(key)) map.set(key, one)
    }
    this.list = [...this.#namespaces.values(), ...this.#pods.values(), ...this.#addresses.values()]
  }

  /**
   *     its UID | its namespace | one of its addresses | protected
   *     is      | -             | -                    | as that pod
   *     not     | is            | -                    | as that namespace
   *     not     | not           | is                   | as that address
   *     not     | not           | not                  | no
   */
  of ({ uid, namespace, addresses }: Pod): Protected | null {
    const address = addresses.find((one) => this.#addresses.has(one))
    return this.#pods.get(uid) ?? this.#namespaces.get(namespace) ?? (address === undefined ? null : this.ofAddress(address))
  }

  /** Names of those that are protected as a whole. */
  get namespaces (): readonly string[] {
    return [...this.#namespaces.keys()]
  }

  ofAddress (address: string): Protected | null {
    return this.#addresses.get(address) ?? null
  }

  #placeOf ({ kind, name, uid }: Protected): [Map<string, Protected>, string] {
    switch (kind) {
      case 'namespace': return [this.#namespaces, name]
      case 'pod': return [this.#pods, uid ?? name]
      case 'address': return [this.#addresses, name]
    }
  }
}
