import type { Logger } from 'pino'
import { Fleet } from '../../xds/fleet.ts'
import { followRefusals } from '../adapters/bus/follow-refusals.ts'
import { GrpcProxyFleet } from '../adapters/bus/grpc-proxy-fleet.ts'
import type { KubernetesPods } from '../adapters/kubernetes/pods.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { ClientRefusals } from '../controller/client-refusals.ts'
import type { AutoshieldError } from '../core/errors.ts'
import type { Identity } from '../core/identity.ts'
import type { AuditTrail } from '../ports/audit.ts'
import type { CredentialSource } from '../ports/identity.ts'
import type { ProxyFleet } from '../ports/proxies.ts'
import type { Parts } from './parts.ts'
import { sparingly } from './sparingly.ts'
import { xdsReplicas } from './xds-replicas.ts'

export interface XdsOfCluster {
  readonly port: number | undefined
  readonly pods: KubernetesPods
  readonly credentials: CredentialSource
  readonly server: Identity
  readonly audit: AuditTrail
  readonly log: Logger
}

/** What serves the proxies, and the trail of whom it refuses; without a port nobody does, and mitigations find no target. */
export function followXds (parts: Parts, { port, pods, credentials, server, audit, log }: XdsOfCluster): ProxyFleet {
  if (port === undefined) return new Fleet({ clock: systemClock, defaultInbound: { mode: 'redirect', port: 15_006 } })
  const telling = (message: string) => sparingly<AutoshieldError>((error) => log.warn({ error: error.message }, message), (error) => error.message)
  const each = { servers: xdsReplicas(pods, server.namespace, port), credentials, server, random: Math.random }
  const fleet = new GrpcProxyFleet({ ...each, onDisconnect: telling('an xDS server is away') })
  parts.start((signal) => fleet.run(signal))
  const refusals = new ClientRefusals(audit)
  parts.start((signal) => followRefusals({ ...each, take: async (...told) => refusals.take(...told), onDisconnect: telling('what an xDS server refuses waits there') }, signal))
  return fleet
}
