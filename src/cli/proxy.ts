import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { credentialFiles, writeCredentials } from '../../certs/credential-folder.ts'
import { OwnConversations } from '../../sidecar/own-conversations.ts'
import { defaultGateways } from '../../sidecar/proxy/default-gateways.ts'
import { tellClientAddress, type ClientAddress } from '../../sidecar/proxy/client-address.ts'
import { EnvoyAdmin } from '../../sidecar/proxy/envoy-admin.ts'
import { DropTeller } from '../../sidecar/proxy/drop-teller.ts'
import { ProxyAgent, type ProxyAgentEvent, type WantedRedirect } from '../../sidecar/proxy/proxy-agent.ts'
import { closeReturnWays } from '../../sidecar/proxy/return-way.ts'
import { SocketCutter } from '../../sidecar/proxy/socket-cutter.ts'
import { Transparency } from '../../sidecar/proxy/transparency.ts'
import { bootstrapFile, bootstrapFiles, envoyArguments } from '../../xds/bootstrap.ts'
import { RenewedCredentials } from '../adapters/identity/renewed-credentials.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { spiffeId } from '../core/identity.ts'
import type { SynLimit } from '../wire/chain-name.ts'
import { type CliContext, EXIT, port, verb, wholeNumberIn } from './context.ts'
import { hostPort, split } from './host-port.ts'
import { Parts } from './parts.ts'
import { sparingly } from './sparingly.ts'
import { renewalKind, tellRenewal } from './tell-renewal.ts'

interface Flags {
  podUid: string,
  namespace: string,
  xds: string,
  issuer: string,
  detector: string,
  trustDomain: string,
  credentials: string,
  systemNamespace: string
  folder: string,
  envoy: string,
  user?: number,
  inbound?: number,
  transparent?: number,
  outbound?: number,
  directPort?: number[],
  node?: string[],
  alsSocket?: string,
  heapMib: number,
  connections: number
}

const MIB = 2 ** 20

export function proxyCommand (context: CliContext, done: (status: number) => void): Command {
  const endpoint = (flags: string, description: string): Option => new Option(flags, description).argParser(hostPort).makeOptionMandatory()
  return verb('proxy', 'keep one pod\'s Envoy: its certificate, its process, and the redirect to it (run it in the pod)', [
    'autoshield proxy --pod-uid UID --namespace shop --xds 10.0.0.1:18000 --issuer 10.0.0.2:18443 --detector 10.0.0.3:18001 \\\n      --trust-domain cluster.local --credentials /var/run/secrets/autoshield.dev --folder /run/autoshield-proxy --inbound 15006',
  ]).requiredOption('--pod-uid <uid>', 'the pod\'s own')
    .requiredOption('--namespace <name>', 'the pod\'s own')
    .addOption(endpoint('--xds <host:port>', 'where Envoy gets its configuration'))
    .addOption(endpoint('--issuer <host:port>', 'who issues certificates for the pod\'s token'))
    .addOption(endpoint('--detector <host:port>', 'whom the pod\'s observer calls: never by way of the proxy'))
    .requiredOption('--trust-domain <name>', 'whose identities the servers must have')
    .requiredOption('--credentials <dir>', 'folder of token and ca.pem')
    .requiredOption('--folder <dir>', 'private to the proxy: its key, its configuration and its admin socket')
    .option('--system-namespace <name>', 'namespace of the servers', 'autoshield')
    .option('--envoy <path>', 'the program', 'envoy')
    .option('--user <uid>', 'whom Envoy runs as; as this process where nothing is said', id)
    .option('--inbound <port>', 'redirect connections to the pod here, while Envoy listens here', port)
    .option('--transparent <port>', 'redirect them here instead where Envoy can go on from its client\'s own address', port)
    .option('--outbound <port>', 'redirect the pod\'s own connections here, while Envoy listens here', port)
    .option('--direct-port <port...>', 'a port of the pod that is never redirected', (text, before: number[] | undefined) => [...before ?? [], port(text)])
    .option('--node <address...>', 'of the pod\'s node, whose probes find a closed port closed; its default gateways are beside it', address)
    .option('--als-socket <path>', 'Unix socket on which the pod\'s observer listens, which is told what limits on new connections drop')
    .option('--heap-mib <count>', 'Envoy\'s memory', wholeNumberIn(1, 65_536), 256)
    .option('--connections <count>', 'how many may be open through Envoy', wholeNumberIn(1, 10_000_000), 20_000)
    .action(async (flags: Flags) => {
      await run(flags, context)
      done(EXIT.ok)
    })
}

async function run (flags: Flags, context: CliContext): Promise<void> {
  const { issuer, trustDomain, systemNamespace: namespace, credentials: identity, detector } = flags
  const say = (text: string): void => { context.stderr.write(`autoshield proxy: ${text}\n`) }
  const system = (uid: string) => ({ trustDomain, namespace, uid })
  const credentials = new RenewedCredentials({
    endpoint: issuer,
    server: system('controller'),
    tokenFile: join(identity, 'token'),
    authoritiesFile: join(identity, 'ca.pem'),
    clock: systemClock,
    random: Math.random,
    onEvent: sparingly((event) => say(tellRenewal(event)), renewalKind),
  })
  const transparency = await Transparency.prepare(flags.transparent !== undefined)
  const clientAddress = await transparency.now('ready')
  const files = await writeConfiguration(flags, spiffeId(system('xds')), clientAddress)
  const own = new OwnConversations({ called: [issuer, detector].map(split), listens: [] })
  const teller = flags.alsSocket === undefined ? null : new DropTeller({ socket: flags.alsSocket, clock: systemClock, onTrouble: say })
  const agent = new ProxyAgent({
    command: [flags.envoy, ...envoyArguments(files.bootstrap)],
    runAs: flags.user === undefined ? null : { uid: flags.user, gid: ownGroup() },
    netRaw: clientAddress.kind === 'kept',
    adminSocket: files.adminSocket,
    redirect: await wantedRedirect(flags, own, transparency),
    credentials,
    store: (next) => writeCredentials(files.identity, next, { group: true }),
    random: Math.random,
    onEvent: (event) => {
      if (event.type === 'limiting') teller?.limiting(event.limits.length > 0)
      say(told(event))
    },
  })
  await using parts = new Parts()
  parts.start((signal) => credentials.run(signal))
  parts.start((signal) => own.follow(signal))
  if (teller !== null) parts.start((signal) => teller.run(signal))
  if (flags.inbound !== undefined) {
    const cutter = new SocketCutter({ admin: new EnvoyAdmin(files.adminSocket), inboundPort: flags.inbound, onTrouble: (words) => say(`open connections of denied sources are not cut: ${words}`) })
    parts.start((signal) => cutter.run(signal))
  }
  await parts.orFailure(agent.run(context.signal))
  if (flags.transparent !== undefined) await closeReturnWays()
}

async function wantedRedirect ({ inbound, outbound, transparent, directPort = [], node = [] }: Flags, own: OwnConversations, transparency: Transparency): Promise<WantedRedirect | null> {
  if (inbound === undefined && outbound === undefined) return null
  return {
    inboundPort: inbound ?? null,
    outboundPort: outbound ?? null,
    transparentPort: transparent ?? null,
    clientAddress: (proxy) => transparency.now(proxy),
    group: ownGroup(),
    directPorts: directPort,
    node: [...new Set([...node, ...await defaultGateways()])],
    directCalls: async () => (await own.now()).traffic.called,
  }
}

/** Envoy's group is this process's: it reads what is written here, and neither's connections are redirected. */
const ownGroup = (): number => process.getgid?.() ?? 0

/** All that Envoy starts with but its certificate. */
async function writeConfiguration ({ inbound, folder, podUid, namespace, xds, heapMib, connections }: Flags, server: string, { kind, why }: ClientAddress): Promise<{ identity: string, bootstrap: string, adminSocket: string }> {
  const [identity, admin] = [join(folder, 'identity'), join(folder, 'admin')]
  const adminSocket = join(admin, 'admin.sock')
  for (const [path, mode] of [[identity, 0o750], [admin, 0o770]] as const) {
    await mkdir(path, { recursive: true })
    await chown(path, process.getuid?.() ?? 0, ownGroup()) // a pod's fsGroup would have it else
    await chmod(path, mode)
  }
  const { certificate, key, authorities } = credentialFiles(identity)
  const files = bootstrapFiles({
    podUid,
    namespace,
    xds: { ...split(xds), name: server },
    folder: identity,
    certificateFile: certificate,
    keyFile: key,
    authoritiesFile: authorities,
    adminSocket,
    bounds: { heapBytes: heapMib * MIB, connections },
    ...inbound === undefined ? {} : { clientAddress: { kind, why } },
  })
  for (const { path, text } of files) await writeFile(path, text, { mode: 0o640 })
  return { identity, bootstrap: bootstrapFile(identity), adminSocket }
}

function told (event: ProxyAgentEvent): string {
  switch (event.type) {
    case 'started': return 'Envoy is started'
    case 'ended': return `Envoy has ended ${event.how}; connections reach the pod directly, without restrictions, and it is started again in ${Math.ceil(event.retryMs)} ms`
    case 'redirecting': return `connections are redirected: ${[event.inboundPort === null ? [] : [`to the pod by port ${event.inboundPort}`], event.outboundPort === null ? [] : [`from the pod by port ${event.outboundPort}`]].flat().join(', ')}; ${tellClientAddress(event.clientAddress)}`
    case 'direct': return `connections reach the pod directly, without restrictions: ${event.why}`
    case 'limiting': return event.limits.length === 0 ? 'new connections are not limited any more' : `new connections of all sources together are limited: ${event.limits.map(limitWords).join('; ')}`
    case 'unlimited': return `limits on new connections stay as they were: ${event.why}`
    case 'unwritten': return `the certificate is not where Envoy reads it: ${event.error.message}`
  }
}

const limitWords = ({ ports, rate, burst }: SynLimit): string => `to ${rate}/s, ${burst} at once, on ${ports === 'any' ? 'any port' : `port ${ports.join(', ')}`}`

function address (text: string, before: string[] | undefined): string[] {
  if (isIP(text) === 0) throw new InvalidArgumentError('It must be an IP address.')
  return [...before ?? [], text]
}

function id (text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 0x7fff_ffff) throw new InvalidArgumentError('It must be a user id above 0.')
  return value
}
