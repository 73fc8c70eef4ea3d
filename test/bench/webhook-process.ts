// The webhook that `webhook.ts` measures, in a process of its own: started with an IPC channel and told its credentials,
// it answers with the ports of the webhook and of a fastify server that does nothing; asked for `memory`, with its own.
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import fastify from 'fastify'
import { Registry } from 'prom-client'
import type { Credentials } from '../../src/core/identity.ts'
import { fixedCredentials } from '../../src/wire/held-credentials.ts'
import { AdmissionAudit, ownServiceAccounts } from '../../webhook/audit/admission-audit.ts'
import { decideInjection } from '../../webhook/inject/decide.ts'
import { Injector } from '../../webhook/server/injector.ts'
import { portOf } from '../../webhook/server/port-of.ts'
import { reviewersOf } from '../../webhook/server/reviewers.ts'
import { WebhookServer } from '../../webhook/server/webhook-server.ts'
import { keepHeapSmall } from '../../webhook/server/small-heap.ts'
import { contextWith } from '../webhook/inject/cases.ts'

export interface Start { readonly credentials: Credentials, readonly host: string }
export interface Started { readonly webhook: number, readonly noop: number }
/** `injected`: how many pods were. */
export interface Told { readonly rssBytes: number, readonly injected: number }

process.once('message', ({ credentials, host }: Start) => {
  serve(credentials, host).catch((error: unknown) => { throw error })
})

async function serve (credentials: Credentials, host: string): Promise<void> {
  keepHeapSmall()
  const context = contextWith()
  const namespaces = { ready: () => true, byName: (name: string) => ({ name, labels: { 'autoshield.dev/injection': 'enabled' }, annotations: {} }) }
  const registry = new Registry()
  const parts = { namespaces, clock: { now: Date.now }, log: { record: () => undefined } }
  const audit = new AdmissionAudit({ ...parts, ownNamespace: 'autoshield', ownUsers: ownServiceAccounts('autoshield'), excludedNamespaces: [], decideInjection: { decide: decideInjection, context: () => context } })
  const noop = await serveNothing(credentials, host)
  const server = new WebhookServer({
    listen: { host, port: 0 },
    credentials: fixedCredentials(credentials),
    reviewers: reviewersOf(new Injector({ ...parts, decide: decideInjection, context: () => context }), audit),
    namespaces,
    context: () => context,
    clock: parts.clock,
    log: { info: () => undefined, warn: () => undefined, error: (detail, message) => console.error(message, detail) },
    registry,
    onGap: ({ count }) => { throw new Error(`${count} reviews were let through: the figures are of no use`) },
    onListening: (webhook) => process.send?.({ webhook, noop } satisfies Started),
  })
  process.on('message', () => {
    tell(registry).catch((error: unknown) => { throw error })
  })
  await server.run(new AbortController().signal)
}

/** V8 gives freed pages back beside the program: a while after a collection, and the last of them after another. */
async function tell (registry: Registry): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    globalThis.gc?.()
    await setTimeout(500)
  }
  const { values = [] } = await registry.getSingleMetric('autoshield_webhook_reviews_total')?.get() ?? {}
  const injected = values.filter(({ labels }) => labels['reason'] === 'Injected').reduce((sum, { value }) => sum + value, 0)
  process.send?.({ rssBytes: process.memoryUsage.rss(), injected } satisfies Told)
}

/** What fastify needs for taking the same review and answering something, over the same TLS. */
async function serveNothing ({ certificate, key }: Credentials, host: string): Promise<number> {
  const app = fastify({ https: { cert: certificate, key, minVersion: 'TLSv1.3' }, bodyLimit: 4 << 20 })
  app.post('/inject', () => ({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response: { uid: 'none', allowed: true } }))
  app.server.listen(0, host)
  await app.ready()
  if (!app.server.listening) await once(app.server, 'listening')
  return portOf(app.server) ?? 0
}
