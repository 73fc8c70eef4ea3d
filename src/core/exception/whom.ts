import { parseAddress } from '../flow/address.ts'
import { parseBlock } from '../plan/reach/address-block.ts'
import type { Whom } from './exception.ts'

/** How somebody is named in a text. */
export const WHOM_FORMS = 'namespace/pod, namespace/*, namespace/label=value, label=value, an address or a CIDR'

/** Who is meant by a text such as `shop/db-0`, `shop/*`, `shop/app=web`, `10.0.0.7`; null where it names nobody. */
export function readWhom (text: string): Whom | null {
  if (parseBlock(text) !== null) return { cidr: text }
  if (parseAddress(text) !== null) return { cidr: `${text}/${text.includes(':') ? 128 : 32}` }
  // A namespace has no dot, and the prefix of a label's key has one.
  const [, namespace = '', rest = text] = /^([^/.=]+)\/(.+)$/.exec(text) ?? []
  const within = namespace === '' ? {} : { namespace }
  const [, key, value] = /^([^=]+)=(.*)$/.exec(rest) ?? []
  if (key !== undefined && value !== undefined) return { ...within, labels: { [key]: value } }
  if (namespace === '') return null
  return rest === '*' ? within : { ...within, name: rest }
}

/** `shop/db-0`, `shop/* app=web`; `any` for nobody in particular. */
export function whomWords (whom: Whom | undefined): string {
  if (whom === undefined) return 'any'
  const { namespace, name, labels = {}, cidr } = whom
  const pod = namespace === undefined && name === undefined ? [] : [`${namespace ?? '*'}/${name ?? '*'}`]
  return [...pod, ...Object.entries(labels).map(([key, value]) => `${key}=${value}`), ...(cidr === undefined ? [] : [cidr])].join(' ')
}
