import { getServers } from 'node:dns'
import { mkdir } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { pino } from 'pino'
import { Gauge, Registry } from 'prom-client'
import { certificateRoutes } from '../../certs/certificate-routes.ts'
import { CertificateIssuer } from '../../certs/issuer.ts'
import { ServingCertificate } from '../../certs/serving-certificate.ts'
import { ownServiceAccounts } from '../../webhook/audit/admission-audit.ts'
import { decideInjection } from '../../webhook/inject/decide.ts'
import { templateHash } from '../../webhook/inject/template-hash.ts'
import { GrpcScoreSource } from '../adapters/bus/grpc-score-source.ts'
import { KubernetesClusterReach } from '../adapters/kubernetes/cluster-reach.ts'
import { KubernetesExceptions } from '../adapters/kubernetes/exceptions.ts'
import { KubernetesMeshPolicies } from '../adapters/kubernetes/mesh-policies.ts'
import { KubernetesMitigations } from '../adapters/kubernetes/mitigations.ts'
import { KubernetesNamespaces } from '../adapters/kubernetes/namespaces.ts'
import { KubernetesNetworkPolicies } from '../adapters/kubernetes/network-policies.ts'
import { KubernetesNodes } from '../adapters/kubernetes/nodes.ts'
import { KubernetesPanicMap } from '../adapters/kubernetes/panic-map.ts'
import { RefusalEvents } from '../adapters/kubernetes/refusal-events.ts'
import { refusalSubjects } from './refusal-subjects.ts'
import { KubernetesPods } from '../adapters/kubernetes/pods.ts'
import { KubernetesPodSelectors } from '../adapters/kubernetes/pod-selectors.ts'
import { KubernetesServices } from '../adapters/kubernetes/services.ts'
import { KubernetesProtections } from '../adapters/kubernetes/protections.ts'
import { KubernetesThreatPolicies } from '../adapters/kubernetes/threat-policies.ts'
import { every, systemClock } from '../adapters/standalone/clock.ts'
import { openAuditTrail } from '../adapters/store/audit-trail.ts'
import { EvidenceFolder } from '../adapters/store/evidence-folder.ts'
import { FlowStore } from '../adapters/store/flow-store.ts'
import { openStore } from '../adapters/store/object-store.ts'
import { Admissions } from '../controller/admissions/admissions.ts'
import { admissionMetrics } from '../controller/admissions/metrics.ts'
import { Coverage } from '../controller/coverage/coverage.ts'
import { registrationMetrics } from '../controller/registration/metrics.ts'
import { Registration } from '../controller/registration/registration.ts'
import { AutoshieldError } from '../core/errors.ts'
import { ALLOWED_ACTIONS, type AllowedAction, openActing } from './acting.ts'
import { auditIssue, startIdentity } from './cluster-authority.ts'
import { type CliContext, dataOption, EXIT, numberIn, port, verb } from './context.ts'
import { serveControl } from './control-server.ts'
import { systemIdentities } from './data-folder.ts'
import { followMitigations } from './follow-mitigations.ts'
import { followXds } from './follow-xds.ts'
import { hostPort, split } from './host-port.ts'
import { InjectionFile } from './injection-file.ts'
import { LiveInjectionContext } from './injection-context.ts'
import { type KubernetesFlags, kubernetesOptions, namesCluster, openFrom } from './kubernetes-option.ts'
import { openLoop } from './loop.ts'
import { type Leadership, type ReplicaFlags, replicaOptions, takeTheLead, tellLeadership } from './take-the-lead.ts'
import { Parts } from './parts.ts'
import { safetyFrom, safetyOption } from './safety-option.ts'
import { SHIPPED } from './up-options.ts'

interface Flags extends KubernetesFlags, ReplicaFlags {
  data: string
  namespace: string
  settings: string
  detector: string
  xdsPort?: number
  policy: string
  alerts?: string
  allowAction: AllowedAction[]
  zone: string
  labelRestSeconds: number
  safety?: string
  control: string
  webhookUrl?: string
  apiAuditLog?: string
  apiPort: number
  dashboardPort: number
  metricsPort: number
}

export function controllerCommand (context: CliContext, done: (status: number) => void): Command {
  return replicaOptions(kubernetesOptions(verb('controller', 'the loop in a cluster: certificates, registration, coverage, audit trail, detections and decisions', [
    'autoshield controller --settings injection.yaml --detector autoshield-detector.autoshield.svc:18001 --data /var/lib/autoshield',
  ]).addOption(dataOption())
    .option('--namespace <name>', 'AutoShield\'s own namespace', 'autoshield')
    .requiredOption('--settings <file>', 'the injection settings (injection.yaml)')
    .addOption(new Option('--detector <host:port>', 'where the detector listens').argParser(hostPort).makeOptionMandatory())
    .addOption(new Option('--xds-port <port>', 'where the xDS servers of this namespace listen, each pod of them; none unless given').argParser(port))
    .addOption(new Option('--policy <file>', 'the rules').default(SHIPPED.policy, 'the shipped policy'))
    .addOption(safetyOption())
    .option('--alerts <file>', 'where alerts go and what signs messages (alerts.yaml); without it, the log alone')
    .addOption(new Option('--allow-action <name...>', 'an action that changes more than traffic and is off unless it is named').choices(ALLOWED_ACTIONS).default([]))
    .option('--zone <name>', 'time zone of the conditions in rules', 'UTC')
    .addOption(new Option('--label-rest-seconds <seconds>', 'how long a pod keeps the label by which a policy selected it when nothing restricts it any more').argParser(numberIn(0, 86_400)).default(300))
    .addOption(new Option('--control <host:port>', 'where pods get certificates and webhooks report').argParser(hostPort).default('0.0.0.0:8444'))
    .option('--webhook-url <url>', 'register the webhook under this URL instead of its Service (development)')
    .option('--api-audit-log <file>', 'the API server\'s own audit log, where it can be read here: it names who changed what webhooks cannot see')
    .addOption(new Option('--api-port <port>', 'API, on loopback').argParser(port).default(8000))
    .addOption(new Option('--dashboard-port <port>', 'the page, on loopback (kubectl port-forward)').argParser(port).default(8081))
    .addOption(new Option('--metrics-port <port>', 'Prometheus, on every address').argParser(port).default(9090))))
    .action(async (flags: Flags) => {
      await runController(context, flags)
      done(EXIT.ok)
    })
}

/**
 * Start order: the authority, without which nobody can prove anything; then the lead, where there are several replicas; then store and
 * trail, for nothing may happen that is not kept; then what rests on them (control server, serving certificate, registration); the loop
 * and the watchers last.
 */
async function runController (context: CliContext, flags: Flags): Promise<void> {
  const log = pino({ level: context.settings.logLevel })
  const { data, namespace } = flags
  const safety = await safetyFrom(flags.safety)
  await mkdir(data, { recursive: true, mode: 0o700 })
  using api = openFrom(context, flags, { onTrouble: (error, { plural }) => log.warn({ resource: plural, error: error.message }, 'a watch was interrupted') })
  const settings = await InjectionFile.open(flags.settings, log)
  const { trustDomain } = settings.current()
  const own = systemIdentities({ trustDomain, namespace })
  await using base = new Parts()
  base.start((signal) => settings.run(every, signal))
  const { authority, identity } = startIdentity(base, { api, namespace, trustDomain, log })
  const lead = await takeTheLead(base, { context, flags, api, credentials: identity, controller: own.controller, log: log.child({ part: 'leadership' }) })
  if (lead === 'stopped') return
  await using leadership: Leadership | null = lead
  await using store = openStore(data, {}, leadership?.changes)
  await using audit = openAuditTrail(data, { clock: systemClock, log: leadership?.changes ?? null })
  using flows = new FlowStore(data, { clock: systemClock })
  const registry = new Registry()
  await using parts = new Parts()
  if (leadership !== null) {
    parts.start((signal) => leadership.hold(signal))
    await tellLeadership(audit, leadership)
  }
  const serving = new ServingCertificate({ api, authority, trustDomain, namespace, clock: systemClock, onEvent: (event) => log.info({ event }, 'the webhook\'s serving certificate') })
  parts.start((signal) => serving.run(signal))

  const registration = new Registration({
    api,
    settings: {
      ...settings.current(),
      ownNamespace: namespace,
      backend: flags.webhookUrl === undefined ? { kind: 'service' } : { kind: 'url', url: flags.webhookUrl },
    },
    bundle: () => orNull(() => serving.bundle()),
    every,
    clock: systemClock,
    random: Math.random,
    metrics: registrationMetrics(registry),
    log: log.child({ part: 'registration' }),
  })
  const admissions = new Admissions({
    audit,
    api,
    checkpoints: store.checkpoints,
    clock: systemClock,
    every,
    log: log.child({ part: 'admissions' }),
    metrics: admissionMetrics(registry),
    ownUsers: ownServiceAccounts(namespace),
    isAsWanted: (object) => registration.isAsWanted(object),
    ...flags.apiAuditLog === undefined ? {} : { auditLogFile: flags.apiAuditLog },
  })
  parts.start((signal) => admissions.run(signal))
  const issuer = new CertificateIssuer({ api, authority, trustDomain, namespace, clock: systemClock, onDecision: (record) => auditIssue(audit, record, log) })
  parts.start((signal) => serveControl({
    listen: split(flags.control),
    credentials: identity,
    clock: systemClock,
    log,
    routes: [() => certificateRoutes(issuer), (identify) => admissions.intake(identify, own.webhook)],
  }, signal))

  parts.start((signal) => registration.run(signal))

  const pods = new KubernetesPods(api)
  const namespaces = new KubernetesNamespaces(api)
  parts.start((signal) => pods.run(signal))
  parts.start((signal) => namespaces.run(signal))
  const nodes = new KubernetesNodes(api)
  parts.start((signal) => nodes.run(signal))
  const protections = new KubernetesProtections(api, { namespace, settings: safety, pods, namespaces, nodes, nameservers: getServers() })
  parts.start((signal) => protections.run(signal))
  const services = new KubernetesServices(api)
  parts.start((signal) => services.run(signal))
  using scores = new GrpcScoreSource({
    detector: flags.detector,
    credentials: identity,
    server: own.detector,
    random: Math.random,
    onDisconnect: (error) => log.warn({ error: error.message }, 'the detector is away'),
  })
  const injection = new LiveInjectionContext({ api, settings: () => settings.current(), authorities: { kind: 'serving', credentials: identity }, every, log })
  parts.start((signal) => injection.run(signal))
  const covered = new Gauge({ name: 'autoshield_coverage_pods', help: 'Pods that should be observed, by what was found of them.', labelNames: ['state'], registers: [registry] })
  const coverage = new Coverage({
    api,
    namespaces,
    decide: decideInjection,
    context: () => injection.current(),
    templateHash,
    reporters: scores,
    ownNamespace: namespace,
    every,
    clock: systemClock,
    metrics: { pods: (state, count) => covered.set({ state }, count) },
    log: log.child({ part: 'coverage' }),
  })
  parts.start((signal) => coverage.run(signal))

  const mitigations = new KubernetesMitigations(api, { namespace, onTrouble: (error) => log.warn({ error: error.message }, 'an ended mitigation stays in the cluster') })
  const meshPolicies = new KubernetesMeshPolicies(api, { namespace })
  parts.start((signal) => mitigations.run(signal))
  parts.start((signal) => meshPolicies.run(signal))
  const threatPolicies = new KubernetesThreatPolicies(api, { namespace })
  parts.start((signal) => threatPolicies.run(signal))
  const orders = new KubernetesPanicMap(api, { namespace })
  parts.start((signal) => orders.run(signal))
  const exceptions = new KubernetesExceptions(api, { namespace })
  parts.start((signal) => exceptions.run(signal))
  const networkPolicies = new KubernetesNetworkPolicies(api, { installation: namespace })
  const reach = new KubernetesClusterReach({ pods, namespaces, nodes, policies: networkPolicies })
  parts.start((signal) => networkPolicies.run(signal))
  // A detection is judged by who has which address, and by what is in force; before that is known, nothing is.
  const known = Promise.all([mitigations.synced, meshPolicies.synced, threatPolicies.synced, exceptions.synced, pods.synced, namespaces.synced, protections.synced, networkPolicies.synced, nodes.synced, orders.synced])
  const late = setTimeout(() => log.warn({ mitigations: mitigations.ready(), meshPolicies: meshPolicies.ready(), threatPolicies: threatPolicies.ready(), exceptions: exceptions.ready(), pods: pods.ready(), namespaces: namespaces.ready(), protections: protections.ready(), networkPolicies: networkPolicies.ready(), reach: reach.cluster() !== null, orders: orders.ready() }, 'the loop waits for the cluster to be known; are the rights and the definitions of our objects there?'), LATE_MS)
  await Promise.race([parts.orFailure(known), parts.untilAborted(context.signal)])
  clearTimeout(late)
  if (context.signal.aborted) return
  await mitigations.removeUnfinished().catch((error: unknown) => log.warn({ error: AutoshieldError.from(error).message }, 'mitigations without a status, left by a run that died, stay until the next start'))

  const selectors = new KubernetesPodSelectors(api, services)
  parts.start((signal) => selectors.run(signal))
  const acting = await openActing(parts, { alerts: flags.alerts, store, flows, cluster: { api, dataFolder: data, allowed: flags.allowAction }, registry, log, version: context.version })
  const { controller, urls } = await openLoop(parts, {
    ...acting,
    evidence: new EvidenceFolder(data),
    leadership: () => leadership?.standing() ?? null,
    nodes: { directory: nodes, api: flags.allowAction.includes('node_quarantine') ? api : null },
    // Detections and decisions are history, which is kept out of the cluster's own store.
    store: { detections: store.detections, decisions: store.decisions, mitigations },
    checkpoints: store.checkpoints,
    meshPolicies,
    flows,
    threatPolicies,
    namespaces,
    services,
    exceptions,
    marks: store.marks,
    audit,
    scores,
    accounts: scores,
    reporters: scores,
    pods,
    protections,
    network: { reach, policies: networkPolicies, release: { api, installation: namespace, selectors: (of) => selectors.of(of) } },
    orders,
    proxies: followXds(parts, { port: flags.xdsPort, pods, credentials: identity, server: own.xds, audit, log }),
    admission: admissions.context,
    policy: flags.policy,
    zone: flags.zone,
    labelRestMs: flags.labelRestSeconds * 1_000,
    actuationEnabled: context.settings.enableActuation ?? namesCluster(context.settings),
    safety,
    log,
    registry,
    version: context.version,
    listen: { metricsHost: '0.0.0.0', ports: { api: flags.apiPort, dashboard: flags.dashboardPort, metrics: flags.metricsPort } },
  })
  const refusals = new RefusalEvents(api, { clock: systemClock, detectionOf: (id) => store.detections.get(id), objectsOf: refusalSubjects({ namespace, threatPolicies, exceptions, mitigations }), onTrouble: (error) => log.warn({ error: error.message }, 'an Event could not be written') })
  parts.start((signal) => refusals.run(controller.subscribe(signal)))
  parts.start((signal) => controller.run(signal))
  const following = followMitigations({ mitigations, loop: controller, audit, log })
  log.info({ ...urls, control: flags.control, detector: flags.detector }, 'the controller runs')
  await parts.untilAborted(context.signal)
  following[Symbol.dispose]()
}

/** The API server lists ten thousand pods in a few seconds. */
const LATE_MS = 30_000

/** Null where there is none yet. */
function orNull<T> (get: () => T): T | null {
  try {
    return get()
  } catch (error) {
    if (AutoshieldError.from(error).code === 'UNAVAILABLE') return null
    throw error
  }
}
