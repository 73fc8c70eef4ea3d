import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { pino, type Logger } from 'pino'
import { Registry } from 'prom-client'
import { Fleet } from '../../xds/fleet.ts'
import { xdsMetrics } from '../../xds/metrics.ts'
import { XdsServer } from '../../xds/server.ts'
import { GrpcScoreSource } from '../adapters/bus/grpc-score-source.ts'
import { every, systemClock } from '../adapters/standalone/clock.ts'
import { FollowedPodFile } from '../adapters/standalone/followed-pod-file.ts'
import { standaloneProtections } from '../adapters/standalone/protections.ts'
import { ReplayPods } from '../adapters/standalone/replay-pods.ts'
import { openAuditTrail } from '../adapters/store/audit-trail.ts'
import { EvidenceFolder } from '../adapters/store/evidence-folder.ts'
import { FlowStore } from '../adapters/store/flow-store.ts'
import { openStore } from '../adapters/store/object-store.ts'
import type { Controller } from '../controller/controller.ts'
import { AutoshieldError } from '../core/errors.ts'
import { openActing } from './acting.ts'
import { runChild } from './child-process.ts'
import { auditRefusal } from './audit-refusal.ts'
import { type CliContext, EXIT } from './context.ts'
import { identityFolder, SYSTEM_IDENTITIES, TRUST_DOMAIN, writeDetectorAddress } from './data-folder.ts'
import { split } from './host-port.ts'
import { openLoop } from './loop.ts'
import { trustArgs } from './model-option.ts'
import { Parts } from './parts.ts'
import { readProxyFile } from './proxy-file.ts'
import { safetyFrom } from './safety-option.ts'
import { StandaloneIdentities } from './standalone-identities.ts'
import { Story } from './story.ts'
import { checkFiles, SHIPPED, type UpFlags, upVerb } from './up-options.ts'

export function upCommand (context: CliContext, done: (status: number) => void): Command {
  return upVerb(context).action(async (flags: UpFlags) => {
    checkFiles(flags)
    await up(context, flags)
    done(EXIT.ok)
  })
}

/**
 * Start order: store and trail first, for nothing may happen that is not kept; then what the controller talks to (xDS, detector);
 * then the controller; then those who look at it (console, story); the replay last, when all that it sets off is ready.
 */
async function up (context: CliContext, flags: UpFlags): Promise<void> {
  const { data } = flags
  const safety = await safetyFrom(flags.safety)
  const say = (text: string): void => { context.stdout.write(`${text}\n`) }
  await mkdir(data, { recursive: true, mode: 0o700 })
  const log = pino({ level: flags.logLevel }, pino.destination({ dest: join(data, 'autoshield.log'), mkdir: true, sync: false }))
  const [ingest, xds] = [split(flags.ingest), split(flags.xds)]
  const podFile = flags.pods ?? (flags.replay && flags.capture === SHIPPED.capture ? SHIPPED.pods : undefined)
  // A recording shows the traffic of every pod in it.
  const pods = podFile === undefined ? new ReplayPods() : new FollowedPodFile(podFile, { ...(flags.replay && { observed: true }), clock: systemClock, onTrouble: ({ message }) => log.error({ error: message }, 'the changed pods cannot be used; they stay as they were') })

  await using store = openStore(data)
  await using audit = openAuditTrail(data, { clock: systemClock })
  using flows = new FlowStore(data, { clock: systemClock })
  const identities = new StandaloneIdentities({ data, ingestHost: ingest.host, xdsHost: xds.host, clock: systemClock, warn: (problem) => log.warn(problem) })
  await identities.issue()
  await using parts = new Parts()
  if (pods instanceof FollowedPodFile) parts.start((signal) => pods.run(every, signal))
  parts.start((signal) => identities.run(signal))

  const fleet = new Fleet({ clock: systemClock, defaultInbound: { mode: 'redirect', port: 15_006 } })
  if (flags.proxies !== undefined) fleet.setProxies(await readProxyFile(flags.proxies))
  const registry = new Registry()
  const xdsServer = new XdsServer({
    fleet,
    credentials: identities.xds,
    trustDomain: TRUST_DOMAIN,
    roles: SYSTEM_IDENTITIES,
    listen: xds,
    log: log.child({ part: 'xds' }),
    onRefusal: (record) => auditRefusal(audit, record, log),
  })
  xdsMetrics(registry, fleet, xdsServer)
  parts.start((signal) => xdsServer.run(signal))
  const xdsPort = await parts.orFailure(xdsServer.port)

  const detector = await parts.orFailure(startDetector(parts, context, flags, podFile, log))
  await writeDetectorAddress(data, detector)
  using scores = new GrpcScoreSource({
    detector, credentials: identities.controller, random: Math.random, onDisconnect: (error) => log.warn({ error: error.message }, 'the detector is away'),
  })

  const acting = await openActing(parts, { alerts: flags.alerts, store, flows, cluster: null, registry, log, version: context.version })
  const actuationEnabled = !flags.simulate && (context.settings.enableActuation ?? false)
  const { controller, urls } = await openLoop(parts, {
    ...acting,
    store,
    checkpoints: store.checkpoints,
    meshPolicies: store.meshPolicies,
    exceptions: store.exceptions,
    evidence: new EvidenceFolder(data),
    leadership: () => null,
    marks: store.marks,
    flows,
    audit,
    scores,
    accounts: scores,
    pods,
    protections: standaloneProtections(pods, safety),
    proxies: fleet,
    policy: flags.policy,
    zone: flags.zone,
    actuationEnabled,
    safety,
    log,
    registry,
    version: context.version,
    listen: { host: flags.host, allowedHosts: flags.allowHost, ports: { api: flags.apiPort, dashboard: flags.dashboardPort, metrics: flags.metricsPort } },
  })
  parts.start((signal) => tellStory(controller, new Story({ api: urls.api, snapshot: (uid) => fleet.snapshot(uid) }), signal, say))
  parts.start((signal) => controller.run(signal))
  say(`dashboard  ${urls.dashboard}`)
  say(`API        ${urls.api}/api/v1, documentation ${urls.api}/docs`)
  say(`metrics    ${urls.metrics}/metrics`)
  say(`xDS        ${xds.host}:${xdsPort}, observers ${detector}, log and store ${data}`)
  say(`actuation  ${actuationEnabled ? 'on' : 'off: everything is decided and nothing is done'}${flags.replay ? '; what rests on a replay is always simulated' : ''}`)

  if (flags.replay) startReplay(parts, context, flags, say)
  await parts.untilAborted(context.signal)
  say('stopping')
}

async function startDetector (parts: Parts, context: CliContext, flags: UpFlags, podFile: string | undefined, log: Logger): Promise<string> {
  const listening = Promise.withResolvers<string>()
  // A detector that comes back must be where observers and the controller look for it.
  let bound: string | null = null
  parts.start(async (signal) => {
    let ended: number | null = 0
    await runChild({
      program: context.program,
      args: () => ['detector', '--listen', bound ?? flags.ingest, '--identity', identityFolder(flags.data, 'detector'), '--model', flags.model, '--models', context.settings.modelStore === '' ? join(flags.data, 'models') : context.settings.modelStore, ...trustArgs(flags), ...flags.gpu ? ['--gpu'] : [], ...podFile === undefined ? [] : ['--pods', podFile]],
      onMessage: (message) => {
        if (typeof message !== 'object' || message === null || !('listening' in message)) return
        bound = String(message.listening)
        listening.resolve(bound)
      },
      onEnd: (status) => {
        ended = status
        log.error({ status }, 'the detector ended')
        return bound === null ? 'done' : 'restart'
      },
    }, signal)
    if (!signal.aborted) listening.reject(new AutoshieldError('UNAVAILABLE', `the detector did not start (exit status ${String(ended)}); what it said stands above.`))
  })
  return listening.promise
}

function startReplay (parts: Parts, context: CliContext, flags: UpFlags, say: (text: string) => void): void {
  say(`replay     ${flags.capture} at ${flags.speed} times its speed`)
  parts.start((signal) => runChild({
    program: context.program,
    args: () => ['replay', flags.capture, '--data', flags.data, '--speed', flags.speed === Infinity ? 'max' : String(flags.speed)],
    onEnd: (status) => {
      say(status === 0 ? 'replay     over; the loop goes on until Ctrl-C' : 'replay     broke off; what it said stands above')
      return 'done'
    },
  }, signal))
}

async function tellStory (controller: Controller, story: Story, signal: AbortSignal, say: (text: string) => void): Promise<void> {
  for await (const event of controller.subscribe(signal)) {
    for (const line of story.tell(event)) say(`${new Date().toISOString().slice(11, 19)} ${line}`)
  }
}
