import { parseAddress } from '../../src/core/flow/address.ts'
import type { ConnectionEnd } from '../connections/connection-table.ts'

/** What the kernel's `tcp_info` counts (include/uapi/linux/tcp.h), as far as ss prints it; 0 where it does not. */
const COUNTED = [
  'bytes_sent', 'bytes_retrans', 'bytes_acked', 'bytes_received', 'segs_out', 'segs_in', 'data_segs_out', 'data_segs_in',
  'lastsnd', 'lastrcv', 'lastack',
] as const
export type TcpCounts = Readonly<Record<(typeof COUNTED)[number], number>>

/** One socket as the kernel described it, alive or at its end. */
export interface SocketReport {
  readonly protocol: 'tcp' | 'udp'
  /** ss's own word: `ESTAB`, `SYN-SENT`, `TIME-WAIT`, `LISTEN`, …; `UNCONN` for a TCP socket at its end. */
  readonly state: string
  readonly local: ConnectionEnd
  readonly peer: ConnectionEnd
  /** The kernel's cookie: two sockets on the same addresses and ports, one after the other, differ in it. */
  readonly cookie: string
  readonly counts: TcpCounts
  /** Milliseconds until the kernel's next timer, and how often it has already run out; null where none runs. */
  readonly timer: { readonly leftMs: number, readonly runs: number } | null
}

/** The end's addresses and ports, by which it is found again. */
export const socketId = ({ protocol, local, peer }: SocketReport): string =>
  `${protocol} ${local.address?.join() ?? '*'} ${local.port} ${peer.address?.join() ?? '*'} ${peer.port}`

/** A line of `ss -tunieHO` (also of `-E`); null for a line that describes no IP socket, as of a newer ss. */
export function parseSocket (line: string): SocketReport | null {
  const [protocol, state, , , local, peer, ...details] = line.trim().split(/\s+/)
  if ((protocol !== 'tcp' && protocol !== 'udp') || state === undefined || local === undefined || peer === undefined) return null
  const [localEnd, peerEnd] = [parseEnd(local), parseEnd(peer)]
  if (localEnd === null || peerEnd === null) return null
  const counts = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<(typeof COUNTED)[number], number> // every name is a key
  let cookie = ''
  let timer: SocketReport['timer'] = null
  for (const detail of details) {
    const at = detail.indexOf(':')
    const name = detail.slice(0, Math.max(at, 0))
    if (name === 'sk') cookie = detail.slice(at + 1)
    else if (name === 'timer') timer = parseTimer(detail)
    else if (Object.hasOwn(counts, name)) counts[name as keyof TcpCounts] = Number(detail.slice(at + 1)) || 0
  }
  return { protocol, state, local: localEnd, peer: peerEnd, cookie, counts, timer }
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, sec: 1_000, min: 60_000 }

/** `timer:(on,950ms,0)`, `timer:(timewait,1min5sec,0)`, `timer:(keepalive,1.2sec,0)`. */
function parseTimer (text: string): SocketReport['timer'] {
  const [, time = '', runs] = /^timer:\([a-z]+,([^,]*),(\d+)\)$/.exec(text) ?? []
  if (runs === undefined) return null
  const leftMs = [...time.matchAll(/([\d.]+)(ms|sec|min)/g)].reduce((sum, [, value, unit = '']) => sum + Number(value) * (UNITS[unit] ?? 0), 0)
  return { leftMs, runs: Number(runs) }
}

/** `10.0.0.1:80`, `[2001:db8::1]:80`, `[fe80::1]%eth0:80`, `*:80`, `0.0.0.0:*`. */
function parseEnd (text: string): ConnectionEnd | null {
  const at = text.lastIndexOf(':')
  const host = text.slice(0, Math.max(at, 0)).replace(/%[^\]]*$/, '').replace(/^\[(.*)\]$/, '$1')
  const port = text.slice(at + 1)
  if (at < 1 || !/^(?:\d+|\*)$/.test(port)) return null
  const address = host === '*' ? null : parseAddress(host)
  if (host !== '*' && address === null) return null
  return { address, port: port === '*' ? 0 : Number(port) }
}
