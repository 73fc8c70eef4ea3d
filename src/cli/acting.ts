import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { Messenger } from '../adapters/alerts/messenger.ts'
import { every, systemClock } from '../adapters/standalone/clock.ts'
import type { ControllerParts } from '../controller/controller.ts'
import { errandMetrics } from '../controller/errands/metrics.ts'
import type { Errand } from '../core/errand/errand.ts'
import { DEFAULT_ACTIONS } from '../core/safety/settings.ts'
import type { Collection } from '../ports.ts'
import { AlertsFile } from './alerts-file.ts'
import type { Parts } from './parts.ts'

export interface ActingOptions {
  /** File of the alert settings. */
  readonly alerts: string | undefined
  readonly store: Collection<Errand>
  readonly registry: Registry
  readonly log: Logger
  readonly version: string
}

/** What carries actions out that are done once, and which actions can be done here. Throws as `AlertsFile.open` does. */
export async function openActing (parts: Parts, { alerts, store, registry, log, version }: ActingOptions): Promise<Pick<ControllerParts, 'errands' | 'actions'>> {
  const file = await AlertsFile.open(alerts, log)
  parts.start((signal) => file.run(every, signal))
  const messenger = new Messenger({
    settings: () => file.current(),
    clock: systemClock,
    version,
    tell: ({ id, detection }, { channel, priority, notice }) => log.warn({ alert: notice, channel, priority, detection, errand: id }, notice.text),
  })
  return {
    errands: {
      store,
      metrics: errandMetrics(registry),
      carrier: {
        attempt: async (errand, signal) => {
          const { task } = errand
          switch (task.type) {
            case 'alert': return messenger.alert(errand, task, signal)
            case 'webhook': return messenger.webhook(errand, task, signal)
            case 'eviction': return { result: 'refused', reason: 'ActionNeedsCluster', message: 'No cluster is connected.' }
          }
        },
      },
    },
    actions: { ...DEFAULT_ACTIONS, ...(file.current().webhooks !== undefined && { custom_webhook: 'here' }) },
  }
}
