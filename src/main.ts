#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { AutoshieldError, ERROR_CODES } from './core/errors.ts'
import { type CliContext, EXIT } from './cli/context.ts'
import { loadSettings } from './cli/settings.ts'

type MakeVerb = (context: CliContext, done: (status: number) => void) => Command

/** A verb's file is loaded when the verb is called: the model runtime and gRPC cost a policy check nothing. */
const VERBS: Readonly<Record<string, () => Promise<MakeVerb>>> = {
  up: async () => (await import('./cli/up.ts')).upCommand,
  replay: async () => (await import('./cli/replay.ts')).replayCommand,
  simulate: async () => (await import('./cli/simulate.ts')).simulateCommand,
  detect: async () => (await import('./cli/detect.ts')).detectCommand,
  model: async () => (await import('./cli/model.ts')).modelCommand,
  features: async () => (await import('./cli/features.ts')).featuresCommand,
  detections: async () => (await import('./cli/detections.ts')).detectionsCommand,
  explain: async () => (await import('./cli/explain.ts')).explainCommand,
  mitigations: async () => (await import('./cli/mitigations.ts')).mitigationsCommand,
  errands: async () => (await import('./cli/errands.ts')).errandsCommand,
  evidence: async () => (await import('./cli/evidence.ts')).evidenceCommand,
  alerts: async () => (await import('./cli/alerts.ts')).alertsCommand,
  baselines: async () => (await import('./cli/baselines.ts')).baselinesCommand,
  exceptions: async () => (await import('./cli/exceptions.ts')).exceptionsCommand,
  rollout: async () => (await import('./cli/rollout.ts')).rolloutCommand,
  'proxy-status': async () => (await import('./cli/proxy-status.ts')).proxyStatusCommand,
  'proxy-config': async () => (await import('./cli/proxy-config.ts')).proxyConfigCommand,
  policy: async () => (await import('./cli/policy.ts')).policyCommand,
  audit: async () => (await import('./cli/audit.ts')).auditCommand,
  identity: async () => (await import('./cli/identity.ts')).identityCommand,
  detector: async () => (await import('./cli/detector.ts')).detectorCommand,
  observer: async () => (await import('./cli/observer.ts')).observerCommand,
  proxy: async () => (await import('./cli/proxy.ts')).proxyCommand,
  controller: async () => (await import('./cli/controller.ts')).controllerCommand,
  coverage: async () => (await import('./cli/coverage.ts')).coverageCommand,
  restart: async () => (await import('./cli/restart.ts')).restartCommand,
  inject: async () => (await import('./cli/inject.ts')).injectCommand,
  'check-inject': async () => (await import('./cli/check-inject.ts')).checkInjectCommand,
  webhook: async () => (await import('./cli/webhook.ts')).webhookCommand,
  xds: async () => (await import('./cli/xds.ts')).xdsCommand,
  decisions: async () => (await import('./cli/decisions.ts')).decisionsCommand,
  flows: async () => (await import('./cli/flows.ts')).flowsCommand,
  protected: async () => (await import('./cli/protected.ts')).protectedCommand,
  panic: async () => (await import('./cli/panic.ts')).panicCommand,
  check: async () => (await import('./cli/check.ts')).checkCommand,
  cleanup: async () => (await import('./cli/cleanup.ts')).cleanupCommand,
  uninstall: async () => (await import('./cli/uninstall.ts')).uninstallCommand,
}

/** The only place that reads the environment and the arguments, handles signals and exits. */
async function main (): Promise<number> {
  const stopping = new AbortController()
  // A process that `up` started ends with it, however it ends: a closed channel cannot be forgotten. Ctrl-C reaches the
  // whole group of a terminal, so such a process leaves SIGINT to its parent, which knows the order of stopping.
  const child = process.channel !== undefined
  process.once('disconnect', () => stopping.abort())
  process.on('SIGINT', () => { if (!child) stopping.abort() })
  process.once('SIGTERM', () => stopping.abort())
  // A reader that has seen enough (`autoshield features x | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => { if (error.code === 'EPIPE') process.exit(EXIT.ok) })

  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  const context: CliContext = Object.freeze({
    stdout: process.stdout,
    stderr: process.stderr,
    interactive: process.stderr.isTTY,
    settings: loadSettings(process.env),
    signal: stopping.signal,
    version,
    program: import.meta.filename,
    tellParent: child ? (message: object) => { process.send?.(message) } : null,
  })

  let status: number = EXIT.ok
  const done = (code: number): void => { status = code }
  const program = new Command('autoshield')
    .description('Intrusion defence for Kubernetes that sees, judges, stops and undoes, and shows its evidence.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(add --help for the flags and examples)')
    .addHelpText('after', `
Environment: ENABLE_ACTUATION (true where a cluster is configured), KUBECONFIG, MODEL_PATH, MODEL_STORE, MODEL_KEYS, ALLOW_UNSIGNED_MODEL (false), LOG_LEVEL (info), USE_GPU (false); a flag of the same meaning wins.
Exit status: 0 done, 1 failed, 64 wrong call, 65 bad data, 79 findings: attacks, pods that are not observed, checks that did not pass, rollouts that stopped themselves, connections that a policy would cut, proxies that refused, are silent or away.
`)
  const called = process.argv[2] ?? ''
  for (const name of Object.hasOwn(VERBS, called) ? [called] : Object.keys(VERBS)) {
    const make = await VERBS[name]?.()
    if (make !== undefined) program.addCommand(make(context, done))
  }
  await program.parseAsync(process.argv)
  return status
}

/** Total: what a verb threw becomes one line on stderr and an exit status. */
function report (thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage // commander has printed it
  const error = AutoshieldError.from(thrown)
  process.stderr.write(`autoshield: ${error.message}\n`)
  if (error.code === 'INTERNAL' && error.cause instanceof Error) process.stderr.write(`${error.cause.stack ?? ''}\n`)
  return ERROR_CODES[error.code].exit
}

// The model runtime would report its use to its maker; a guard of other people's networks reports to nobody.
process.env['ORT_DISABLE_TELEMETRY'] = '1'
process.exitCode = await main().catch(report)
