import { join } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { openLive } from '../../sidecar/capture/live-capture.ts'
import { RenewedCredentials } from '../adapters/identity/renewed-credentials.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { AutoshieldError } from '../core/errors.ts'
import { parseAddress } from '../core/flow/address.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { hostPort, split } from './host-port.ts'
import { runClusterObserver, type ObserverSource } from './run-cluster-observer.ts'
import { runObserver } from './run-observer.ts'
import { sparingly } from './sparingly.ts'
import { renewalKind, tellRenewal } from './tell-renewal.ts'

interface StandaloneFlags { interface: string, address: string[], detector: string, identity: string, filter?: string }
interface ClusterFlags {
  source: ObserverSource, alsSocket?: string, address: string[], detector: string, issuer: string, xds?: string, trustDomain: string, credentials: string, health?: string, systemNamespace: string
}
/** Not from the schema of the settings: that would load all of it into every pod. */
const SOURCES = ['sockdiag', 'als', 'packet'] as const satisfies readonly ObserverSource[]

type Flags = { cluster?: boolean } & Partial<StandaloneFlags> & Partial<ClusterFlags>

export function observerCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('observer', 'watch one pod\'s traffic (run it in the pod\'s network namespace)', [
    'autoshield observer --interface eth0 --address 10.0.0.5 --detector 10.0.0.1:18001 --identity ./db-0-identity',
    'autoshield observer --cluster --source als --als-socket /run/autoshield-log/als.sock …',
    'autoshield observer --cluster --source sockdiag --address 10.0.0.5 --detector 10.0.0.1:18001 --issuer 10.0.0.2:18002 \\\n      --trust-domain cluster.local --credentials /var/run/secrets/autoshield.dev --health 10.0.0.5:18080',
  ]).option('--address <ip...>', 'the pod\'s own addresses, also separated by commas', addresses)
    .addOption(new Option('--detector <host:port>', 'where the detector listens').argParser(hostPort))
    .option('--interface <name>', 'network interface to watch')
    .option('--identity <dir>', 'folder of cert.pem, key.pem and ca.pem')
    .option('--filter <expression>', 'pcap filter; the observer\'s own stream to the detector is left out in any case')
    .option('--cluster', 'as a sidecar: never ends by itself, finds its interface, and gets its identity from the issuer')
    .addOption(new Option('--source <name>', 'what to watch with').choices(SOURCES))
    .option('--als-socket <path>', 'Unix socket on which the pod\'s Envoy tells its access log: what it did with restricted sources, and the traffic for --source als')
    .addOption(new Option('--issuer <host:port>', 'who issues certificates for the pod\'s token').argParser(hostPort))
    .addOption(new Option('--xds <host:port>', 'where the pod\'s proxy gets its configuration: its calls are left out, as the observer\'s own are').argParser(hostPort))
    .option('--trust-domain <name>', 'whose identities the detector and the issuer must have')
    .option('--credentials <dir>', 'folder of token and ca.pem')
    .addOption(new Option('--health <ip:port>', 'serve /healthz, /readyz and /metrics here').argParser(hostPort))
    .option('--system-namespace <name>', 'namespace of the detector and the issuer', 'autoshield')
    .action(async (flags: Flags) => {
      await (flags.cluster === true ? inCluster(clusterFlags(flags), context) : standalone(standaloneFlags(flags), context))
      done(EXIT.ok)
    })
}

async function standalone ({ interface: interfaceName, address, detector, identity, filter }: StandaloneFlags, context: CliContext): Promise<void> {
  // Its own stream would be the loudest conversation of a quiet pod.
  const { host, port } = split(detector)
  const own = `not (tcp port ${port} and host ${host})`
  const capture = openLive({ interfaceName, signal: context.signal, filter: filter === undefined ? own : `(${filter}) and ${own}` })
  capture.ready.then(() => context.tellParent?.({ ready: true }), () => undefined) // the run rejects with the same
  await runObserver({ capture, source: 'packet', ownAddresses: address, pacing: { kind: 'live' }, detector, identity }, context)
}

async function inCluster ({ source, alsSocket, address, detector, issuer, xds, trustDomain, credentials, health, systemNamespace: namespace }: ClusterFlags, context: CliContext): Promise<void> {
  const system = (uid: string) => ({ trustDomain, namespace, uid })
  await runClusterObserver({
    source,
    alsSocket: alsSocket ?? null,
    addresses: address,
    detector,
    issuer,
    xds: xds ?? null,
    server: system('detector'),
    health: health ?? null,
    credentials: new RenewedCredentials({
      endpoint: issuer,
      server: system('controller'),
      tokenFile: join(credentials, 'token'),
      authoritiesFile: join(credentials, 'ca.pem'),
      clock: systemClock,
      random: Math.random,
      onEvent: sparingly((event) => context.stderr.write(`autoshield observer: ${tellRenewal(event)}\n`), renewalKind),
    }),
  }, context)
}

/** All that is missing is said at once. */
function standaloneFlags (flags: Flags): StandaloneFlags {
  const { interface: interfaceName, address, detector, identity, filter } = flags
  if (interfaceName !== undefined && address !== undefined && detector !== undefined && identity !== undefined) {
    return { interface: interfaceName, address, detector, identity, ...(filter === undefined ? {} : { filter }) }
  }
  throw missing({ '--interface': interfaceName, '--address': address, '--detector': detector, '--identity': identity })
}

function clusterFlags (flags: Flags): ClusterFlags {
  const { source, alsSocket, address, detector, issuer, xds, trustDomain, credentials, health, systemNamespace = 'autoshield' } = flags
  if (source === 'als' && alsSocket === undefined) throw missing({ '--als-socket': alsSocket })
  if (source !== undefined && address !== undefined && detector !== undefined && issuer !== undefined && trustDomain !== undefined && credentials !== undefined) {
    return { source, address, detector, issuer, trustDomain, credentials, systemNamespace, ...(health === undefined ? {} : { health }), ...(alsSocket === undefined ? {} : { alsSocket }), ...(xds === undefined ? {} : { xds }) }
  }
  throw missing({ '--source': source, '--address': address, '--detector': detector, '--issuer': issuer, '--trust-domain': trustDomain, '--credentials': credentials })
}

function missing (flags: Readonly<Record<string, unknown>>): AutoshieldError {
  const names = Object.keys(flags).filter((name) => flags[name] === undefined)
  return new AutoshieldError('USAGE', `the observer needs ${names.join(', ')} too; 'autoshield observer --help' shows both ways to call it.`)
}

/** `10.0.0.5`, `10.0.0.5,fd00::5`, or several arguments. */
function addresses (text: string, before: string[] | undefined): string[] {
  const found = text.split(',').map((address) => address.trim()).filter((address) => address !== '')
  const wrong = found.find((address) => parseAddress(address) === null)
  if (wrong !== undefined || found.length === 0) throw new InvalidArgumentError(`'${wrong ?? text}' is no IP address.`)
  return [...before ?? [], ...found]
}
