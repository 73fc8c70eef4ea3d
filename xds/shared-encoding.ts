import type { Outgoing } from './session.ts'
import type { Resource } from './snapshot.ts'

type Content = Omit<Outgoing, 'nonce'>

/** `nonce` is field 5 of a response in both protocols, and a length of one byte is enough for a counter. */
const NONCE_TAG = 5 << 3 | 2

/**
 * Encodes responses, each content only once for all the proxies that are sent it: only the nonce is a stream's own, and the
 * fields of a message may stand in any order. What was encoded is forgotten with the resources.
 */
export function sharedEncoding (encode: (content: Content) => Uint8Array): (outgoing: Outgoing) => Buffer {
  const newest = new WeakMap<Resource, { readonly content: Content, readonly bytes: Uint8Array }>()
  const encoded = (content: Content): Uint8Array => {
    const [first] = content.offer.resources
    const known = first === undefined ? undefined : newest.get(first)
    if (known !== undefined && saysTheSame(known.content, content)) return known.bytes
    const bytes = encode(content)
    if (first !== undefined) newest.set(first, { content, bytes })
    return bytes
  }
  return ({ nonce, ...content }) => {
    const bytes = encoded(content)
    const whole = Buffer.allocUnsafe(bytes.length + 2 + nonce.length)
    whole.set(bytes)
    whole[bytes.length] = NONCE_TAG
    whole[bytes.length + 1] = nonce.length
    whole.write(nonce, bytes.length + 2, 'latin1')
    return whole
  }
}

const saysTheSame = (one: Content, other: Content): boolean =>
  one.type === other.type && one.version === other.version && areSame(one.offer.resources, other.offer.resources) && areSame(one.offer.removed, other.offer.removed)

const areSame = (some: readonly unknown[], others: readonly unknown[]): boolean => some.length === others.length && some.every((each, at) => each === others[at])
