import { randomBytes } from 'node:crypto'
import { type Command, Option } from 'commander'
import { pino, stdTimeFunctions, type Logger } from 'pino'
import { Registry } from 'prom-client'
import { FolderCredentials } from '../../certs/credential-folder.ts'
import { serveMetrics } from '../../webhook/server/metrics-server.ts'
import { ClientStatusCalls } from '../../xds/client-status-calls.ts'
import { Fleet } from '../../xds/fleet.ts'
import { KeptRefusals } from '../../xds/kept-refusals.ts'
import { keptRefusalMetrics, xdsMetrics } from '../../xds/metrics.ts'
import { ProxyCalls } from '../../xds/proxy-calls.ts'
import { RefusalCalls } from '../../xds/refusal-calls.ts'
import { XdsServer } from '../../xds/server.ts'
import { GonePods } from '../adapters/kubernetes/gone-pods.ts'
import { KubernetesMitigations } from '../adapters/kubernetes/mitigations.ts'
import { KubernetesPods } from '../adapters/kubernetes/pods.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { spiffeId, type Identity } from '../core/identity.ts'
import type { CredentialSource } from '../ports/identity.ts'
import { firstCredentials } from '../wire/held-credentials.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { systemIdentities } from './data-folder.ts'
import { followCluster } from './follow-cluster.ts'
import { hostPort, split } from './host-port.ts'
import { issuedIdentity, issuedIdentityOptions, type IssuedIdentityFlags } from './issued-identity.ts'
import { type KubernetesFlags, kubernetesOptions, openFrom } from './kubernetes-option.ts'
import { Parts } from './parts.ts'
import { sparingly } from './sparingly.ts'
import { renewalKind } from './tell-renewal.ts'

interface Flags extends KubernetesFlags, IssuedIdentityFlags {
  listen: string
  metrics: string
  identity?: string
}

export function xdsCommand (context: CliContext, done: (status: number) => void): Command {
  return issuedIdentityOptions(kubernetesOptions(verb('xds', 'configure the proxies of a cluster (`up` does it in standalone mode)', [
    'autoshield xds --issuer autoshield-controller.autoshield.svc:8444',
    'autoshield xds --identity .autoshield/identities/xds --listen 127.0.0.1:18000   # development',
  ]).addOption(new Option('--listen <host:port>', 'where proxies connect, and controllers; port 0 takes a free one').argParser(hostPort).default('0.0.0.0:18000'))
    .addOption(new Option('--metrics <host:port>', 'Prometheus, in plain HTTP').argParser(hostPort).default('0.0.0.0:9090'))
    .option('--identity <dir>', 'folder of cert.pem, key.pem and ca.pem instead of an issuer')))
    .action(async (flags: Flags) => {
      await runXds(context, flags)
      done(EXIT.ok)
    })
}

/**
 * Start order: who it is and what the cluster asks for; it listens last, when both are known. A proxy that was served before
 * would be told to give up restrictions that hold. Stopped, it ends its streams first, and proxies go to another replica.
 */
async function runXds (context: CliContext, flags: Flags): Promise<void> {
  const log = pino({ level: context.settings.logLevel, timestamp: stdTimeFunctions.isoTime })
  const { namespace, trustDomain } = flags
  using api = openFrom(context, flags, { onTrouble: (error, { plural }) => log.warn({ resource: plural, error: error.message }, 'a watch was interrupted') })
  await using parts = new Parts()
  const credentials = await startIdentity(parts, flags, log)
  const [pods, mitigations] = [new KubernetesPods(api), new KubernetesMitigations(api, { namespace })]
  parts.start((signal) => pods.run(signal))
  parts.start((signal) => mitigations.run(signal))
  const known = Promise.all([firstCredentials(credentials, context.signal), pods.synced, mitigations.synced])
  const late = setTimeout(() => log.warn({ pods: pods.ready(), mitigations: mitigations.ready() }, 'no proxy is served before the cluster is known; are the identity, the rights and the definition of mitigations there?'), LATE_MS)
  try {
    await Promise.race([parts.orFailure(known), parts.untilAborted(context.signal)])
  } catch (error) {
    if (!context.signal.aborted) throw error // whoever is told to stop while it waits stops
  } finally {
    clearTimeout(late)
  }
  if (context.signal.aborted) return

  const fleet = new Fleet({ clock: systemClock, defaultInbound: { mode: 'redirect', port: 15_006 } })
  const following = followCluster(fleet, { pods, mitigations })
  const roles = systemIdentities({ trustDomain, namespace })
  const mayWatch = (identity: Identity): boolean => spiffeId(identity) === spiffeId(roles.controller)
  const refused = new KeptRefusals({ instance: randomBytes(16).toString('hex'), clock: systemClock })
  const calls = [new ProxyCalls({ fleet, mayWatch }), new RefusalCalls({ kept: refused, mayWatch }), new ClientStatusCalls({ mayWatch })]
  const isRole = new Set(Object.values(roles).map(spiffeId))
  const revocations = new GonePods({ pods, isPod: (identity) => !isRole.has(spiffeId(identity)), clock: systemClock })
  const server = new XdsServer({ fleet, credentials, trustDomain, roles, revocations, listen: split(flags.listen), log, calls, onRefusal: (refusal) => refused.add(refusal) })
  const registry = new Registry()
  xdsMetrics(registry, fleet, server)
  keptRefusalMetrics(registry, refused)
  parts.start((signal) => serveMetrics(registry, split(flags.metrics), signal, (port) => log.info({ port }, 'metrics are served')))
  parts.start((signal) => server.run(signal))
  await parts.untilAborted(context.signal)
  following[Symbol.dispose]()
}

/** The API server lists ten thousand pods in a few seconds. */
const LATE_MS = 30_000

async function startIdentity (parts: Parts, flags: Flags, log: Logger): Promise<CredentialSource> {
  if (flags.identity !== undefined) {
    const folder = await FolderCredentials.open(flags.identity, { clock: systemClock, warn: (problem) => log.warn({ problem }, 'the identity') })
    parts.start((signal) => folder.run(signal))
    return folder
  }
  const credentials = issuedIdentity(flags, 'the xDS server needs an identity: --issuer HOST:PORT, the controller, or --identity DIR.', sparingly((event) => log.info({ event }, 'the identity'), renewalKind))
  parts.start((signal) => credentials.run(signal))
  return credentials
}
