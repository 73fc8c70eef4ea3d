import { addressText } from '../src/core/flow/address.ts'
import type { Report } from './connections/connection-table.ts'

export interface Endpoint {
  /** Canonical text. */
  readonly address: string
  readonly port: number
}

/** Conversations of the observer itself, which would be the loudest of a quiet pod: they belong to no window. */
export interface OwnTraffic {
  /** Whom it calls: detector and issuer. */
  readonly called: readonly Endpoint[]
  /** Where it listens: health and metrics. */
  readonly listens: readonly Endpoint[]
}

/** As a pcap filter (pcap-filter(7)) that leaves them out; undefined where there are none. */
export function withoutOwn ({ called, listens }: OwnTraffic): string | undefined {
  const both = [...called, ...listens].map(({ address, port }) =>
    `(dst host ${address} and tcp dst port ${port}) or (src host ${address} and tcp src port ${port})`)
  return both.length === 0 ? undefined : `not (${both.join(' or ')})`
}

/** Whether a connection is one of them; of the protocols only TCP is, and what names none is TCP. */
export function isOwn ({ called, listens }: OwnTraffic): (connection: Pick<Report, 'local' | 'peer'> & { readonly protocol?: string }) => boolean {
  const id = (address: string, port: number): string => `${address} ${port}`
  const [peers, locals] = [called, listens].map((ends) => new Set(ends.map(({ address, port }) => id(address, port))))
  return ({ protocol = 'tcp', local, peer }) => protocol === 'tcp' && local.address !== null && peer.address !== null &&
    (peers?.has(id(addressText(peer.address, 0), peer.port)) === true || locals?.has(id(addressText(local.address, 0), local.port)) === true)
}
