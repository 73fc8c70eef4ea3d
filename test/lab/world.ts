import { Lab } from './lab.ts'
import type { Pod } from './pod.ts'
import type { Random } from './random.ts'
import { SERVERS, startApp, startServer } from './servers/servers.ts'
import type { ServerName } from './servers/servers.ts'

/** What the seed decided about one laboratory, recorded with its labels. */
export interface Settings {
  offloads: boolean
  mtu: number
  /** What answers for addresses that lead nowhere. */
  nowhere: 'silence' | 'icmp'
  /** Pods that silently drop what they do not serve; the others answer with RST or ICMP. */
  firewalled: string[]
  synCookies: boolean
  backlog: number
  synAckRetries: number
  /** Pods behind a narrow link, in Mbit/s. */
  narrow: Record<string, number>
  tcpPorts: number[]
  udpPorts: number[]
}

/** The pods by what they do. Every one of them attacks, is attacked and is a client in some run: who does is drawn anew each time. */
const ROLES: Readonly<Record<string, { servers: readonly ServerName[], app?: boolean }>> = {
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

const TCP_PORTS = [25, 88, 110, 135, 143, 389, 587, 636, 993, 1433, 1883, 2379, 3306, 3389, 5000, 5672, 5985, 8443, 9092, 9200, 11211, 27017, 30080, 49152]
const UDP_PORTS = [123, 161, 443, 500, 514, 1194, 1812, 3478, 4789, 5004, 5060, 8125, 16384, 27015, 51820]
export const APP_PORT = 8000
export const STREAM_PORT = 50051
export const METRICS_PORT = 9100

export interface World extends AsyncDisposable {
  lab: Lab
  random: Random
  settings: Settings
  pod (role: string): Pod
  /** An address of the pods' own range that leads nowhere. */
  nowhere (): string
  /** The /24 that holds the pods, and the one of the fifty scrape targets. */
  ranges: { pods: string, targets: string }
  /** Pods with the small application: HTTP on 8000, streams on 50051, and the drawn ports. */
  apps: Pod[]
  /** Pods that accept SSH. */
  shells: Pod[]
  /** Pods that may be made to listen on a new port. */
  open: Pod[]
  everyone: Pod[]
}

export function drawSettings (random: Random): Settings {
  const names = Object.keys(ROLES)
  return {
    offloads: random.chance(0.4),
    mtu: random.pick([1500, 1500, 1450, 1400, 9000]),
    nowhere: random.chance(0.6) ? 'silence' : 'icmp',
    firewalled: names.filter(() => random.chance(0.3)),
    synCookies: random.chance(0.5),
    backlog: random.pick([128, 512, 4096]),
    synAckRetries: random.pick([1, 2, 5]),
    narrow: Object.fromEntries(random.sample(names, random.integer(0, 3)).map((name) => [name, random.magnitude(5, 200)])),
    tcpPorts: random.sample(TCP_PORTS, 5),
    udpPorts: random.sample(UDP_PORTS, 5),
  }
}

function drawAddresses (random: Random) {
  const prefix = random.pick([`10.${random.integer(0, 250)}`, `172.${random.integer(16, 31)}`, '192.168', `100.${random.integer(64, 127)}`])
  const third = random.integer(0, 250)
  const pods = `${prefix}.${third}`
  const targets = `${prefix}.${third + 1}`
  const hosts = random.sample(Array.from({ length: 240 }, (_, i) => i + 5), 40)
  let next = 0
  const fresh = () => `${pods}.${hosts[next++] ?? 250}`
  const outside = `${random.pick(['198.51.100', '203.0.113', '192.0.2'])}.${random.integer(5, 250)}`
  const first = random.integer(2, 150)
  return { pods, targets, fresh, outside, targetAddresses: Array.from({ length: 50 }, (_, i) => `${targets}.${first + i}`) }
}

/** Builds the laboratory that the random source draws, with all of its servers running. */
export async function buildWorld (random: Random, settings: Settings = drawSettings(random.fork('settings'))): Promise<World> {
  const plan = drawAddresses(random.fork('addresses'))
  const specs = Object.keys(ROLES).map((name) => {
    if (name === 'targets') return { name, address: plan.targetAddresses[0] ?? '', alsoAt: plan.targetAddresses.slice(1) }
    return { name, address: name === 'outside' ? plan.outside : plan.fresh() }
  })
  const lab = await Lab.start({ pods: specs, offloads: settings.offloads, mtu: settings.mtu, nameServer: 'names' })
  try {
    await Promise.all(lab.pods.map((pod) => prepare(pod, settings)))
    if (settings.nowhere === 'icmp') await lab.gateway.must('ip route replace unreachable default')
    const names = Object.fromEntries(lab.pods.map((pod) => [pod.name, pod.address]))
    for (const pod of lab.pods) {
      const role = ROLES[pod.name]
      for (const server of role?.servers ?? []) await startServer(server, pod, { names, delegate: lab.pod('outside').address })
      if (role?.app) await startApp(pod, { http: [APP_PORT, METRICS_PORT], h2: [STREAM_PORT], responder: settings.tcpPorts, udp: settings.udpPorts })
    }
  } catch (error) {
    await lab[Symbol.asyncDispose]()
    throw error
  }
  const having = (test: (role: { servers: readonly ServerName[], app?: boolean }) => boolean) => lab.pods.filter((pod) => { const role = ROLES[pod.name]; return role !== undefined && test(role) })
  return {
    lab,
    random,
    settings,
    pod: (role) => lab.pod(role),
    nowhere: plan.fresh,
    ranges: { pods: `${plan.pods}.0/24`, targets: `${plan.targets}.0/24` },
    apps: having((role) => role.app === true),
    shells: having((role) => role.servers.includes('ssh')),
    open: lab.pods.filter((pod) => !settings.firewalled.includes(pod.name)),
    everyone: lab.pods.filter((pod) => pod.name !== 'targets'),
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  }
}

async function prepare (pod: Pod, settings: Settings): Promise<void> {
  const role = ROLES[pod.name]
  await pod.must(`sysctl -qw net.ipv4.tcp_syncookies=${settings.synCookies ? 1 : 0} net.ipv4.tcp_max_syn_backlog=${settings.backlog} net.core.somaxconn=${settings.backlog} \
    net.ipv4.tcp_synack_retries=${settings.synAckRetries} net.ipv4.ip_local_port_range='15000 60999'`)
  const mbit = settings.narrow[pod.name]
  if (mbit !== undefined) await pod.must(`tc qdisc add dev eth0 root tbf rate ${mbit}mbit burst ${Math.max(16, mbit * 2)}kb latency 60ms`)
  if (!settings.firewalled.includes(pod.name)) return
  const ports = [...(role?.servers ?? []).flatMap((server) => [...SERVERS[server].ports]), ...(role?.servers.includes('ftp') ? ['40000-40100'] : []),
    ...(role?.app ? [APP_PORT, METRICS_PORT, STREAM_PORT, ...settings.tcpPorts, ...settings.udpPorts] : [])]
  await pod.must(`nft -f - <<'END'
table inet lab {
  chain input {
  type filter hook input priority 0; policy accept;
  ct state { established, related } accept
  iif lo accept
  ${ports.length > 0 ? `meta l4proto { tcp, udp } th dport { ${[...new Set(ports)].join(', ')} } accept` : ''}
  meta l4proto { tcp, udp } drop
  }
}
END`)
}
