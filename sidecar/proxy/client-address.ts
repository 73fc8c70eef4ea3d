import type { Family } from './answer-rules.ts'
import type { Ways } from './return-way.ts'

/** What applications behind the redirect take for their clients' addresses: those, or the pod's own. */
export type ClientAddress =
  /** `why`: of a family of the pod's that is left out, why. */
  | { readonly kind: 'kept', readonly families: readonly Family[], readonly why: string }
  | { readonly kind: 'hidden', readonly why: string }

/** What it takes to keep them. */
export interface Facts {
  readonly asked: boolean
  /** Why the kernel would not do what it takes, or this container may not have it done; empty where nothing speaks against it. */
  readonly refusal: string
  readonly ways: Ways
  readonly proxy: 'ready' | 'without-listener' | 'without-capability'
}

/**
 * The first row that fits.
 *
 * | asked | refusal | ways | proxy | answer |
 * | --- | --- | --- | --- | --- |
 * | no | any | any | any | hidden |
 * | yes | some | any | any | hidden, in its words |
 * | yes | none | none | any | hidden, in their words |
 * | yes | none | some | without listener | hidden: its configuration is that of another release |
 * | yes | none | some | without capability | hidden: every connection of it would fail |
 * | yes | none | some | ready | kept, for the families with a way |
 */
export function clientAddress ({ asked, refusal, ways, proxy }: Facts): ClientAddress {
  if (!asked) return hidden('nothing else was asked for')
  if (refusal !== '') return hidden(refusal)
  if (ways.families.length === 0) return hidden(`answers cannot be led back to the proxy (${ways.why === '' ? 'the pod has no address yet' : ways.why})`)
  switch (proxy) {
    case 'without-listener': return hidden('the proxy\'s configuration has no listener for it')
    case 'without-capability': return hidden('Envoy runs without the capability NET_RAW')
    case 'ready': return { kind: 'kept', ...ways }
  }
}

const hidden = (why: string): ClientAddress => ({ kind: 'hidden', why })

/** For people. */
export function tellClientAddress (address: ClientAddress): string {
  if (address.kind === 'hidden') return `applications see the pod's own address as their clients': ${address.why}`
  const but = address.why === '' ? '' : `, but for one family the pod's own: ${address.why}`
  return `applications see their clients' addresses${but}`
}
