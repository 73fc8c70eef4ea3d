/** Whom a filter chain of somebody's own is for: who comes from the address, or what goes to it; on one port, or on all that no other chain names. */
export interface PeerChainName {
  readonly side: 'source' | 'destination'
  readonly address: string
  readonly port: number | null
}

/**
 * New connections a second of all sources together, on these ports together. No connection goes by such a chain: by its name the
 * proxy's keeper learns what to limit.
 */
export interface SynLimit {
  readonly ports: 'any' | readonly number[]
  readonly rate: number
  /** How many may come at once. */
  readonly burst: number
}

/** What the name of a filter chain says: whose it is, on which port everybody's requests are seen, or a limit; null for all others. */
export type ChainName = ({ readonly kind: 'peer' } & PeerChainName) | { readonly kind: 'http', readonly port: number } | ({ readonly kind: 'syn-limit' } & SynLimit) | null

const PEER = /^(source|destination)\/([0-9a-f.:]+)(?:\/port\/(\d{1,5}))?$/
const HTTP = /^http\/(\d{1,5})$/
const SYN_LIMIT = /^syn-limit\/(any|\d{1,5}(?:,\d{1,5})*)\/(\d{1,12}(?:\.\d{1,17})?)\/(\d{1,12}(?:\.\d{1,17})?)$/

/** `source/10.0.0.9`, `destination/fd00::5/port/22`. */
export const peerChainName = ({ side, address, port }: PeerChainName): string => `${side}/${address}${port === null ? '' : `/port/${port}`}`

export const httpChainName = (port: number): string => `http/${port}`

/** `syn-limit/any/200/400`, `syn-limit/80,443/0.5/1`. */
export const synLimitName = ({ ports, rate, burst }: SynLimit): string => `syn-limit/${ports === 'any' ? ports : ports.join(',')}/${rate}/${burst}`

/** Total; what these wrote comes back as it was. */
export function parseChainName (name: string): ChainName {
  const [, side, address = '', port] = PEER.exec(name) ?? []
  if (side === 'source' || side === 'destination') return { kind: 'peer', side, address, port: port === undefined ? null : Number(port) }
  const [, ports = '', rate, burst] = SYN_LIMIT.exec(name) ?? []
  if (rate !== undefined) return { kind: 'syn-limit', ports: ports === 'any' ? ports : ports.split(',').map(Number), rate: Number(rate), burst: Number(burst) }
  const [, http] = HTTP.exec(name) ?? []
  return http === undefined ? null : { kind: 'http', port: Number(http) }
}
