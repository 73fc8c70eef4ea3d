import type { Random } from './random.ts'
import type { ServerName } from './servers/servers.ts'

/** What the seed decided about one laboratory, recorded with its labels. */
export interface Settings {
  offloads: boolean
  mtu: number
  /** What answers for addresses that lead nowhere. */
  nowhere: 'silence' | 'icmp'
  /** Pods that silently drop what they do not serve; the others answer with RST or ICMP. */
  firewalled: string[]
  /** Pods whose inbound TCP goes through a redirecting Envoy, where closed ports look open. */
  proxied: string[]
  synCookies: boolean
  backlog: number
  synAckRetries: number
  /** Pods behind a narrow link, in Mbit/s. */
  narrow: Record<string, number>
  /** Of the small application: HTTP, and HTTP over TLS. */
  appPort: number
  appTlsPort: number
  tcpPorts: number[]
  udpPorts: number[]
  /** Logins go through PAM, which makes whoever guessed wrong wait for two seconds. */
  pam: boolean
  /** Seconds that the FTP server makes whoever guessed wrong wait. */
  ftpDelay: number
  maxAuthTries: number
  /** Servers that not every laboratory has, and the pods that they run on. */
  extras: Partial<Record<ExtraServer, string>>
}

/** The pods by what they do. Every one of them attacks, is attacked and is a client in some run: who does is drawn anew each time. */
export const ROLES: Readonly<Record<string, { servers: readonly ServerName[], app?: boolean }>> = {
  web: { servers: ['web', 'ssh'] },
  shop: { servers: ['ssh'], app: true },
  orders: { servers: ['ssh'], app: true },
  database: { servers: ['database', 'ssh'] },
  cache: { servers: ['cache', 'ssh'] },
  files: { servers: ['files', 'ftp', 'ssh'] },
  names: { servers: ['names'] },
  bastion: { servers: ['ssh'] },
  worker: { servers: ['ssh'] },
  monitor: { servers: ['ssh'] },
  outside: { servers: ['ftp', 'ssh'], app: true },
  targets: { servers: [], app: true },
}

export type ExtraServer = 'mysql' | 'mail' | 'broker'
/** Services of which training sees nothing: their servers run only where a run is held out. */
export const HELD_OUT_SERVICES: readonly string[] = ['mysql']

const EXTRAS: readonly ExtraServer[] = ['mail', 'broker', 'mysql']
const HOSTS_OF_EXTRAS = ['web', 'cache', 'files', 'bastion', 'worker', 'monitor']

const TCP_PORTS = [88, 110, 135, 143, 389, 587, 636, 993, 1433, 2379, 3389, 5000, 5672, 5985, 9092, 9200, 11211, 27017, 30080, 49152]
const UDP_PORTS = [123, 161, 443, 500, 514, 1194, 1812, 3478, 4789, 5004, 5060, 8125, 16384, 27015, 51820]
export const STREAM_PORT = 50051
export const METRICS_PORT = 9100

/** How many pods are behind a redirecting Envoy: none, most, or all that attack and are attacked inside. */
export type Proxied = 'none' | 'most' | 'all'

export function drawSettings (random: Random, { unseen, proxied }: { unseen: boolean, proxied: Proxied }): Settings {
  const names = Object.keys(ROLES)
  const extras = EXTRAS.filter((name) => HELD_OUT_SERVICES.includes(name) ? unseen && random.chance(0.6) : random.chance(0.5))
  return {
    offloads: random.chance(0.4),
    mtu: random.pick([1500, 1500, 1450, 1400, 9000]),
    nowhere: random.chance(0.6) ? 'silence' : 'icmp',
    firewalled: names.filter(() => random.chance(0.3)),
    proxied: proxied === 'none' ? [] : names.filter((name) => name !== 'names' && name !== 'outside' && (proxied === 'all' ? name !== 'targets' : random.chance(0.7))),
    synCookies: random.chance(0.5),
    backlog: random.pick([128, 512, 4096]),
    synAckRetries: random.pick([1, 2, 5]),
    narrow: Object.fromEntries(random.sample(names, random.integer(0, 3)).map((name) => [name, random.magnitude(5, 200)])),
    appPort: random.pick([8000, 8000, 8080, 3000, 8888, 9000]),
    appTlsPort: random.pick([8443, 8443, 9443, 4443]),
    tcpPorts: random.sample(TCP_PORTS, 5),
    udpPorts: random.sample(UDP_PORTS, 5),
    pam: random.chance(0.4),
    ftpDelay: random.integer(0, 2),
    maxAuthTries: random.pick([3, 6, 6]),
    extras: Object.fromEntries(extras.map((name) => [name, random.pick(HOSTS_OF_EXTRAS)])),
  }
}
