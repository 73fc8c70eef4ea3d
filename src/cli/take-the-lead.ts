import { type Command, Option } from 'commander'
import type { Logger } from 'pino'
import { systemClock } from '../adapters/standalone/clock.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { Identity } from '../core/identity.ts'
import type { AuditTrail } from '../ports/audit.ts'
import type { CredentialSource } from '../ports/identity.ts'
import type { KubernetesApi } from '../ports/kubernetes.ts'
import { type CliContext, numberIn } from './context.ts'
import { serveControl } from './control-server.ts'
import { hostPort, split } from './host-port.ts'
import { awaitLeadership, type Leadership, type StandbyState } from './leadership.ts'
import type { Parts } from './parts.ts'

export type { Leadership }

export interface ReplicaFlags {
  lease?: string
  leaseSeconds: number
  pod?: string
  replicaAddress?: string
}

export const replicaOptions = (command: Command): Command => command
  .option('--lease <name>', 'one of several replicas: only the holder of this Lease works, the others follow it and take over when it is gone')
  .addOption(new Option('--lease-seconds <seconds>', 'with --lease: how long a leader may lead without renewing; so long, and half a second, it takes until another leads').argParser(numberIn(1, 60)).default(4))
  .option('--pod <name>', 'with --lease: this pod\'s name')
  .addOption(new Option('--replica-address <host:port>', 'with --lease: where the other replicas reach this one').argParser(hostPort))

export interface LeadOptions {
  readonly context: CliContext
  readonly flags: ReplicaFlags & { readonly data: string, readonly namespace: string, readonly control: string }
  readonly api: KubernetesApi
  readonly credentials: CredentialSource
  readonly controller: Identity
  readonly log: Logger
}

/**
 * Waits until this replica may lead, and serves its health meanwhile. Null where it is the only one. Throws USAGE where a flag is
 * missing.
 */
export async function takeTheLead (parts: Parts, { context: { signal }, flags, api, credentials, controller, log }: LeadOptions): Promise<Leadership | null | 'stopped'> {
  const { lease, leaseSeconds, pod, replicaAddress: address, data, namespace, control } = flags
  if (lease === undefined) return null
  if (pod === undefined || address === undefined) throw new AutoshieldError('USAGE', '--lease needs --pod and --replica-address: other replicas have to know this one, and to reach it.')
  let state: StandbyState = 'alone'
  const standby = new AbortController()
  const health = serveControl({ listen: split(control), credentials, clock: systemClock, log, routes: [], isReady: () => state === 'following' }, standby.signal)
  try {
    const leading = awaitLeadership({ api, namespace, lease, leaseMs: leaseSeconds * 1_000, pod, address, data, credentials, controller, log, onStandby: (now) => { state = now } }, signal)
    const failed = health.then(() => leading) // it ends before only by failing
    return await parts.orFailure(Promise.race([leading, failed])) ?? 'stopped'
  } finally {
    standby.abort()
    await health
  }
}

/** Who leads from now on, for the trail that it took over. */
export async function tellLeadership (audit: AuditTrail, { replica, term, missing }: Leadership): Promise<void> {
  await audit.append({ actor: 'autoshield', action: 'leadership.taken', object: `controller/${replica}`, reason: missing === 'nothing' ? 'LeaseTaken' : 'LeaseTakenLate', detail: { term, missing } })
}
