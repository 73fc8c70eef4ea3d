import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { pino, stdTimeFunctions, type Logger } from 'pino'
import { Registry } from 'prom-client'
import { FolderCredentials } from '../../certs/credential-folder.ts'
import { SecretCredentials } from '../../certs/secret-credentials.ts'
import { SERVING_SECRET } from '../../certs/serving-secret.ts'
import { AdmissionAudit, ownServiceAccounts } from '../../webhook/audit/admission-audit.ts'
import { decideInjection } from '../../webhook/inject/decide.ts'
import { Injector } from '../../webhook/server/injector.ts'
import { serveMetrics } from '../../webhook/server/metrics-server.ts'
import { reviewersOf } from '../../webhook/server/reviewers.ts'
import { WebhookServer } from '../../webhook/server/webhook-server.ts'
import { keepHeapSmall } from '../../webhook/server/small-heap.ts'
import { AdmissionShipper } from '../../webhook/shipping/admission-shipper.ts'
import { shippingMetrics } from '../../webhook/shipping/metrics.ts'
import { RenewedCredentials } from '../adapters/identity/renewed-credentials.ts'
import { KubernetesNamespaces } from '../adapters/kubernetes/namespaces.ts'
import { every, systemClock } from '../adapters/standalone/clock.ts'
import type { CredentialSource } from '../ports/identity.ts'
import type { KubernetesApi } from '../ports/kubernetes.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { systemIdentities } from './data-folder.ts'
import { hostPort, split } from './host-port.ts'
import { InjectionFile } from './injection-file.ts'
import { type KubernetesFlags, kubernetesOptions, openFrom } from './kubernetes-option.ts'
import { Parts } from './parts.ts'
import { sparingly } from './sparingly.ts'
import { renewalKind } from './tell-renewal.ts'
import { LiveInjectionContext } from './injection-context.ts'

interface Flags extends KubernetesFlags {
  listen: string
  metrics: string
  namespace: string
  settings: string
  secret: string
  certificateFolder?: string
  issuer?: string
  credentials?: string
}

export function webhookCommand (context: CliContext, done: (status: number) => void): Command {
  return kubernetesOptions(verb('webhook', 'answer the API server: put observers into new pods, and audit admissions', [
    'autoshield webhook --settings injection.yaml --issuer autoshield-controller.autoshield.svc:8444 --credentials /var/run/secrets/autoshield.dev',
    'autoshield webhook --settings injection.yaml --certificate-folder ./webhook-identity --listen 127.0.0.1:8443   # development',
  ]).addOption(new Option('--listen <host:port>', 'where the API server asks').argParser(hostPort).default('0.0.0.0:8443'))
    .addOption(new Option('--metrics <host:port>', 'Prometheus, in plain HTTP').argParser(hostPort).default('0.0.0.0:9090'))
    .option('--namespace <name>', 'AutoShield\'s own namespace', 'autoshield')
    .requiredOption('--settings <file>', 'the injection settings (injection.yaml)')
    .option('--secret <name>', 'Secret of the serving certificate', SERVING_SECRET)
    .option('--certificate-folder <dir>', 'cert.pem, key.pem and ca.pem instead of the Secret (development)')
    .addOption(new Option('--issuer <host:port>', 'the controller: it gives the webhook its identity and takes the audit').argParser(hostPort))
    .option('--credentials <dir>', 'folder of token and ca.pem, by which the controller knows the webhook'))
    .action(async (flags: Flags) => {
      await runWebhook(context, flags)
      done(EXIT.ok)
    })
}

/**
 * Start order: what the server needs to be ready (certificate, namespaces, version), then what takes its audit, the server
 * last; so it stops first, and what it recorded at the end still gets across.
 */
async function runWebhook (context: CliContext, flags: Flags): Promise<void> {
  keepHeapSmall()
  const log = pino({ level: context.settings.logLevel, timestamp: stdTimeFunctions.isoTime })
  const { namespace } = flags
  using api = openFrom(context, flags, { onTrouble: (error, { plural }) => log.warn({ resource: plural, error: error.message }, 'a watch was interrupted') })
  const settings = await InjectionFile.open(flags.settings, log)
  const registry = new Registry()
  await using parts = new Parts()
  parts.start((signal) => settings.run(every, signal))
  const credentials = await startServing(parts, flags, api, log)
  const namespaces = new KubernetesNamespaces(api)
  parts.start((signal) => namespaces.run(signal))
  const injection = new LiveInjectionContext({
    api,
    settings: () => settings.current(),
    authorities: flags.credentials === undefined ? { kind: 'serving', credentials } : { kind: 'file', path: join(flags.credentials, 'ca.pem') },
    every,
    log,
  })
  parts.start((signal) => injection.run(signal))
  parts.start((signal) => serveMetrics(registry, split(flags.metrics), signal))

  const { trustDomain } = settings.current()
  const admissions = startShipping(parts, { ...flags, trustDomain, registry, log })
  const current = (): ReturnType<LiveInjectionContext['current']> => injection.current()
  const audit = new AdmissionAudit({
    log: admissions,
    namespaces,
    clock: systemClock,
    ownNamespace: namespace,
    ownUsers: ownServiceAccounts(namespace),
    get excludedNamespaces () { return settings.current().excludedNamespaces },
    decideInjection: { decide: decideInjection, context: current },
  })
  const injector = new Injector({ decide: decideInjection, context: current, namespaces, log: admissions, clock: systemClock })
  const server = new WebhookServer({
    listen: split(flags.listen),
    credentials,
    reviewers: reviewersOf(injector, audit),
    namespaces,
    context: current,
    clock: systemClock,
    log,
    registry,
    onGap: (gap) => { admissions.recordGap(gap) },
    onListening: (port) => {
      log.info({ port }, 'the webhook listens')
      context.tellParent?.({ listening: port })
    },
  })
  parts.start((signal) => server.run(signal))
  await parts.untilAborted(context.signal)
}

async function startServing (parts: Parts, { certificateFolder, namespace, secret }: Flags, api: KubernetesApi, log: Logger): Promise<CredentialSource> {
  if (certificateFolder !== undefined) {
    const folder = await FolderCredentials.open(certificateFolder, { clock: systemClock, warn: (problem) => log.warn({ problem }, 'the serving certificate') })
    parts.start((signal) => folder.run(signal))
    return folder
  }
  const pair = new SecretCredentials({ api, namespace, secret, clock: systemClock, onEvent: (event) => log.info({ event }, 'the serving certificate') })
  parts.start((signal) => pair.run(signal))
  return pair
}

interface Shipping extends Pick<Flags, 'issuer' | 'credentials' | 'namespace'> {
  readonly trustDomain: string
  readonly registry: Registry
  readonly log: Logger
}

/** Without a controller the audit goes to the process' own log. */
function startShipping (parts: Parts, { issuer, credentials: folder, namespace, trustDomain, registry, log }: Shipping): Pick<AdmissionShipper, 'record' | 'recordGap'> {
  if (issuer === undefined || folder === undefined) {
    log.warn({}, 'no --issuer and --credentials are given: what admission sees goes to this log only')
    return {
      record: (entry) => { log.info({ admission: entry }, 'admission') },
      recordGap: (gap) => { log.warn({ gap }, 'reviews were let through without having been looked at') },
    }
  }
  const controller = systemIdentities({ trustDomain, namespace }).controller
  const credentials = new RenewedCredentials({
    endpoint: issuer,
    server: controller,
    tokenFile: join(folder, 'token'),
    authoritiesFile: join(folder, 'ca.pem'),
    clock: systemClock,
    random: Math.random,
    onEvent: sparingly((event) => { log.info({ event }, 'the webhook\'s own identity') }, renewalKind),
  })
  parts.start((signal) => credentials.run(signal))
  const shipper = new AdmissionShipper({
    controller: issuer,
    credentials,
    expected: controller,
    boot: randomBytes(16).toString('hex'),
    random: Math.random,
    metrics: shippingMetrics(registry),
    onFailure: sparingly((error) => { log.warn({ error: error.message }, 'admissions wait for the controller') }, ({ message }) => message),
  })
  parts.start((signal) => shipper.run(signal))
  return shipper
}
