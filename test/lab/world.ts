import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { World } from './draw-world.ts'
import { WORKER } from './accounts.ts'
import { Lab } from './lab.ts'
import { ORDINARY_DSCP } from './packets.ts'
import type { Pod } from './pod.ts'
import { METRICS_PORT, ROLES, STREAM_PORT } from './settings.ts'
import type { Settings } from './settings.ts'
import { redirectInbound } from './servers/redirect.ts'
import { EXTRA_SERVERS, SERVERS, startApp, startServer } from './servers/servers.ts'
import type { ServerContext } from './servers/servers.ts'

/** Puts an Envoy before a pod. */
export type Redirect = (pod: Pod, labFolder: string) => Promise<void>

/** Builds the laboratory that was drawn, with all of its servers running and its files in place; `redirect` is for the pods behind a proxy. */
export async function raise ({ places, settings, files }: World, redirect: Redirect = redirectInbound): Promise<Lab> {
  const pods = places.map(({ name, addresses: [address = '', ...alsoAt] }) => ({ name, address, alsoAt }))
  const lab = await Lab.start({ pods, offloads: settings.offloads, mtu: settings.mtu, nameServer: 'names' })
  try {
    for (const file of files) writeFileSync(join(lab.pod(file.pod).folder, file.name), 'lines' in file ? file.lines.map((line) => `${line}\n`).join('') : randomBytes(file.bytes))
    await Promise.all(lab.pods.map((pod) => prepare(pod, settings)))
    if (settings.nowhere === 'icmp') await lab.gateway.must('ip route replace unreachable default')
    const names = Object.fromEntries(lab.pods.map((pod) => [pod.name, pod.address]))
    const context = { names, delegate: lab.pod('outside').address, settings }
    await Promise.all(lab.pods.map((pod) => serveAll(pod, context)))
    for (const name of settings.proxied) await redirect(lab.pod(name), lab.folder)
  } catch (error) {
    await lab[Symbol.asyncDispose]()
    throw error
  }
  return lab
}

/** Everything that the pod serves, one after the other. */
async function serveAll (pod: Pod, context: ServerContext & { settings: Settings }): Promise<void> {
  const { settings } = context
  const role = ROLES[pod.name]
  for (const server of role?.servers ?? []) await startServer(server, pod, context)
  if (role?.app) await startApp(pod, { http: [settings.appPort, METRICS_PORT], https: [settings.appTlsPort], h2: [STREAM_PORT], responder: settings.tcpPorts, udp: settings.udpPorts })
  for (const [, { start }] of extrasOf(pod.name, settings)) await start(pod)
}

/** Of the servers that not every laboratory has, those of one pod. */
const extrasOf = (name: string, { extras }: Settings) => Object.entries(EXTRA_SERVERS).filter(([server]) => extras[server as keyof typeof EXTRA_SERVERS] === name) // the table's own keys

async function prepare (pod: Pod, settings: Settings): Promise<void> {
  await pod.must(`sysctl -qw net.ipv4.tcp_syncookies=${settings.synCookies ? 1 : 0} net.ipv4.tcp_max_syn_backlog=${settings.backlog} net.core.somaxconn=${settings.backlog} \
    net.ipv4.tcp_synack_retries=${settings.synAckRetries} net.ipv4.ip_local_port_range='15000 60999'`)
  const mbit = settings.narrow[pod.name]
  if (mbit !== undefined) await pod.must(`tc qdisc add dev eth0 root tbf rate ${mbit}mbit burst ${Math.max(16, mbit * 2)}kb latency 60ms`)
  await pod.must(`nft -f - <<'END'
table inet lab_mark {
  chain output {
    type filter hook output priority mangle
    meta skuid ${WORKER.uid} ip dscp set ${ORDINARY_DSCP}
  }
}
END`)
  // A proxy takes every port, so there is nothing left to drop.
  if (!settings.firewalled.includes(pod.name) || settings.proxied.includes(pod.name)) return
  const ports = servedBy(pod.name, settings)
  await pod.must(`nft -f - <<'END'
table inet lab {
  chain input {
  type filter hook input priority 0; policy accept;
  ct state { established, related } accept
  iif lo accept
  ${ports.length > 0 ? `meta l4proto { tcp, udp } th dport { ${ports.join(', ')} } accept` : ''}
  meta l4proto { tcp, udp } drop
  }
}
END`)
}

/** Ports, and a range of them, in nft's words. */
function servedBy (name: string, settings: Settings): (number | string)[] {
  const role = ROLES[name]
  const extras = extrasOf(name, settings).flatMap(([, { ports }]) => [...ports])
  const ports = [...(role?.servers ?? []).flatMap((server) => [...SERVERS[server].ports]), ...extras, ...(role?.servers.includes('ftp') ? ['40000-40100'] : []),
    ...(role?.app ? [settings.appPort, settings.appTlsPort, METRICS_PORT, STREAM_PORT, ...settings.tcpPorts, ...settings.udpPorts] : [])]
  return [...new Set(ports)]
}
