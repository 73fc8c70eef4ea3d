import { COUNTERS } from '../../window/window.ts'
import { destinationOf, sourceOf, type Facts } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'

interface Door { readonly name: string, readonly strength: number }

const door = (name: string, strength: number, ...ports: readonly number[]): [number, Door][] => ports.map((port) => [port, { name, strength }])

/** Ports through which a host is worked on from afar. Those that do nothing else count in full, databases little: applications use them all day. */
const DOORS: ReadonlyMap<number, Door> = new Map([
  ...door('WinRM', 1, 5985, 5986, 47001),
  ...door('the kubelet', 1, 10250),
  ...door('Docker', 1, 2375, 2376),
  ...door('remote procedure calls', 1, 135, 593),
  ...door('SMB', 0.75, 139, 445),
  ...door('ssh', 0.75, 22, 2222),
  ...door('telnet', 0.75, 23),
  ...door('RDP', 0.75, 3389),
  ...door('VNC', 0.75, 5900, 5901),
  ...door('a database', 0.25, 1433, 1521, 3306, 5432, 6379, 9042, 27017),
])

/** What was used so long ago still belongs to what is going on: tools work through one port after the other. */
export const RECENT_MS = 5 * 60_000

/** The strongest such port that the key uses now, or its pair did minutes ago. */
export function managementPort ({ score: { window }, past, atMs }: Facts): (Door & { readonly port: number }) | null {
  if ((window.counters[TCP_PACKETS] ?? 0) === 0) return null
  const now = window.ports.map(({ port }) => port)
  const before = past === null ? [] : [...past.ports].flatMap(([port, { lastMs }]) => atMs - lastMs <= RECENT_MS ? [port] : [])
  const found = [...now, ...before].flatMap((port) => {
    const known = DOORS.get(port)
    return known === undefined ? [] : [{ port, ...known }]
  })
  return found.sort((one, other) => other.strength - one.strength)[0] ?? null
}

const TCP_PACKETS = COUNTERS.indexOf('tcp_packets')

export const MANAGEMENT_PORT: EvidenceKind = {
  name: 'management-port',
  looksAt: 'ports of WinRM, kubelet, Docker and RPC (in full), SMB, ssh, telnet, RDP, VNC (three quarters), databases (a quarter), in use or used within 5 minutes',
  weights: { LATERAL_MOVEMENT: 0.25 },
  find: (facts): Finding | null => {
    const used = managementPort(facts)
    if (used === null) return null
    return { strength: used.strength, sentence: `${sourceOf(facts)} uses ${used.name} (port ${used.port}) of ${destinationOf(facts)}` }
  },
}
