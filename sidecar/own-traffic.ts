import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { addressText, parseAddress } from '../src/core/flow/address.ts'
import type { SocketReport } from './sockdiag/socket-report.ts'

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

/**
 * Every address of each host. A name that cannot be resolved now is left out, and counts among `unresolved`: what the observer says to
 * it would be seen, but it cannot say anything to it either.
 */
export async function resolveEndpoints (endpoints: readonly { readonly host: string, readonly port: number }[]): Promise<{ readonly found: readonly Endpoint[], readonly unresolved: number }> {
  const answers = await Promise.all(endpoints.map(async ({ host, port }) => (await addressesOf(host)).map((address) => ({ address, port }))))
  return { found: answers.flat(), unresolved: answers.filter((found) => found.length === 0).length }
}

async function addressesOf (host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [canonical(host)]
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.map(({ address }) => canonical(address))
}

function canonical (address: string): string {
  const words = parseAddress(address)
  return words === null ? address : addressText(words, 0)
}

/** As a pcap filter (pcap-filter(7)) that leaves them out; undefined where there are none. */
export function withoutOwn ({ called, listens }: OwnTraffic): string | undefined {
  const both = [...called, ...listens].map(({ address, port }) =>
    `(dst host ${address} and tcp dst port ${port}) or (src host ${address} and tcp src port ${port})`)
  return both.length === 0 ? undefined : `not (${both.join(' or ')})`
}

/** Whether a socket is one of them. */
export function isOwn ({ called, listens }: OwnTraffic): (socket: SocketReport) => boolean {
  const id = (address: string, port: number): string => `${address} ${port}`
  const [peers, locals] = [called, listens].map((ends) => new Set(ends.map(({ address, port }) => id(address, port))))
  return ({ protocol, local, peer }) => protocol === 'tcp' && local.address !== null && peer.address !== null &&
    (peers?.has(id(addressText(peer.address, 0), peer.port)) === true || locals?.has(id(addressText(local.address, 0), local.port)) === true)
}
