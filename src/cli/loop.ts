import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { every, newId, systemClock } from '../adapters/standalone/clock.ts'
import { policyFile } from '../adapters/standalone/policy-file.ts'
import { type ConsoleOptions, type ConsoleUrls, createConsole } from '../console/api/console.ts'
import { Controller } from '../controller/controller.ts'
import type { ControllerParts } from '../controller/controller-parts.ts'
import { controllerMetrics } from '../controller/metrics.ts'
import { DEFAULT_CONTROLLER_SETTINGS } from '../controller/settings.ts'
import type { SafetyFile } from '../core/safety/settings.ts'
import type { Parts } from './parts.ts'
import { SHIPPED } from './up-options.ts'

export interface LoopOptions extends Pick<ControllerParts, 'store' | 'checkpoints' | 'audit' | 'meshPolicies' | 'threatPolicies' | 'exceptions' | 'marks' | 'flows' | 'namespaces' | 'services' | 'scores' | 'reporters' | 'accounts' | 'pods' | 'protections' | 'network' | 'proxies' | 'orders' | 'admission' | 'errands' | 'evidence' | 'leadership' | 'actions' | 'nodes'> {
  /** File of the rules. */
  readonly policy: string
  readonly zone: string
  readonly actuationEnabled: boolean
  readonly safety: SafetyFile
  /** In a cluster. */
  readonly labelRestMs?: number
  readonly log: Logger
  readonly registry: Registry
  readonly version: string
  readonly listen: Pick<ConsoleOptions, 'host' | 'metricsHost' | 'allowedHosts' | 'ports'>
}

/** The controller, and the console that looks at it. The console serves when this resolves; the controller is the caller's to run. */
export async function openLoop (parts: Parts, options: LoopOptions): Promise<{ controller: Controller, urls: ConsoleUrls }> {
  const { policy, zone, actuationEnabled, safety, labelRestMs = DEFAULT_CONTROLLER_SETTINGS.labelRestMs, log, registry, version, listen, ...needs } = options
  const controller = new Controller({
    ...needs,
    policy: policyFile(policy),
    clock: systemClock,
    every,
    newId,
    random: Math.random,
    metrics: controllerMetrics(registry),
    log: log.child({ part: 'controller' }),
    settings: { ...DEFAULT_CONTROLLER_SETTINGS, actuationEnabled, zone, safety, labelRestMs },
  })
  const console = createConsole({ ...listen, loop: controller, log: log.child({ part: 'console' }), clock: systemClock, version, registry, pageFolder: SHIPPED.page })
  const urls = await console.listen()
  parts.start((signal) => console.run(signal))
  return { controller, urls }
}
