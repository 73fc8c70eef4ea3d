/** Whom a filter chain of somebody's own is for: who comes from the address, or what goes to it; on one port, or on all that no other chain names. */
export interface PeerChainName {
  readonly side: 'source' | 'destination'
  readonly address: string
  readonly port: number | null
}

/** What the name of a filter chain says: whose it is, or on which port everybody's requests are seen; null for all others. */
export type ChainName = ({ readonly kind: 'peer' } & PeerChainName) | { readonly kind: 'http', readonly port: number } | null

const PEER = /^(source|destination)\/([0-9a-f.:]+)(?:\/port\/(\d{1,5}))?$/
const HTTP = /^http\/(\d{1,5})$/

/** `source/10.0.0.9`, `destination/fd00::5/port/22`. */
export const peerChainName = ({ side, address, port }: PeerChainName): string => `${side}/${address}${port === null ? '' : `/port/${port}`}`

export const httpChainName = (port: number): string => `http/${port}`

/** Total; what `peerChainName` and `httpChainName` wrote comes back as it was. */
export function parseChainName (name: string): ChainName {
  const [, side, address = '', port] = PEER.exec(name) ?? []
  if (side === 'source' || side === 'destination') return { kind: 'peer', side, address, port: port === undefined ? null : Number(port) }
  const [, http] = HTTP.exec(name) ?? []
  return http === undefined ? null : { kind: 'http', port: Number(http) }
}
