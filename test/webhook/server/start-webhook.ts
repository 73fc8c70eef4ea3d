import { Agent, request } from 'node:https'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { Registry } from 'prom-client'
import type { AdmissionGap } from '../../../src/core/admission/batch.ts'
import type { AdmissionEntry } from '../../../src/core/admission/entry.ts'
import type { InjectionContext } from '../../../src/core/injection/settings.ts'
import type { Namespace } from '../../../src/core/kubernetes/object.ts'
import type { NamespaceDirectory } from '../../../src/ports/directories.ts'
import { HeldCredentials } from '../../../src/wire/held-credentials.ts'
import { decideInjection } from '../../../webhook/inject/decide.ts'
import type { AdmissionRequest, AdmissionResponse } from '../../../webhook/review.ts'
import { Injector, type InjectorParts } from '../../../webhook/server/injector.ts'
import { reviewersOf } from '../../../webhook/server/reviewers.ts'
import { WebhookServer, type WebhookServerOptions } from '../../../webhook/server/webhook-server.ts'
import { Root, TestClock } from '../../certs/samples.ts'
import { contextWith } from '../inject/cases.ts'

/** Namespaces by what a test says of their labels. */
export class SaidNamespaces implements NamespaceDirectory {
  known = true
  readonly #labels: Readonly<Record<string, Readonly<Record<string, string>>>>

  constructor (labels: Readonly<Record<string, Readonly<Record<string, string>>>>) {
    this.#labels = labels
  }

  byName (name: string): Namespace | null {
    return Object.hasOwn(this.#labels, name) ? { name, labels: this.#labels[name] ?? {}, annotations: {} } : null
  }

  ready (): boolean { return this.known }
}

export interface Answer { readonly status: number, readonly body: string, readonly headers: IncomingMessage['headers'] }

export interface TestWebhook {
  readonly port: number
  readonly root: Root
  readonly credentials: HeldCredentials
  readonly namespaces: SaidNamespaces
  readonly entries: AdmissionEntry[]
  readonly gaps: AdmissionGap[]
  readonly faults: object[]
  readonly registry: Registry
  readonly clock: TestClock
  readonly server: WebhookServer
  readonly agent: Agent
  /** Sends a body, and gives the answer whatever it is. */
  readonly post: (path: string, body: string | Buffer, options?: { agent?: Agent, method?: string, headers?: Record<string, string> }) => Promise<Answer>
  /** Sends a review of a pod's creation in namespace `shop`, changed as the test likes. */
  readonly review: (pod: unknown, given?: Partial<AdmissionRequest>, path?: string) => Promise<AdmissionResponse>
  readonly stop: () => Promise<void>
}

export interface Given extends Partial<WebhookServerOptions> {
  readonly decide?: InjectorParts['decide']
  readonly audit?: (request: AdmissionRequest) => AdmissionResponse
  readonly context?: () => InjectionContext | null
}

const CONTEXT = contextWith()

/** A webhook on loopback over real TLS, until the test ends. */
export async function startWebhook (t: Test, given: Given = {}): Promise<TestWebhook> {
  const { decide = decideInjection, audit = ({ uid }: AdmissionRequest): AdmissionResponse => ({ uid, allowed: true }), context = () => CONTEXT, ...options } = given
  const root = new Root()
  const credentials = new HeldCredentials('none', root.issue('webhook', { ip: ['127.0.0.1'] }))
  const namespaces = new SaidNamespaces({ shop: { 'autoshield.dev/injection': 'enabled' }, plain: {}, strict: { 'autoshield.dev/injection': 'required' } })
  const entries: AdmissionEntry[] = []
  const gaps: AdmissionGap[] = []
  const faults: object[] = []
  const [clock, registry] = [new TestClock(), new Registry()]
  const injector = new Injector({ decide, context, namespaces, log: { record: (entry) => { entries.push(entry) } }, clock })
  const listening = Promise.withResolvers<number>()
  const server = new WebhookServer({
    listen: { host: '127.0.0.1', port: 0 },
    credentials,
    reviewers: reviewersOf(injector, { review: audit }),
    namespaces,
    context,
    clock,
    log: { info: () => undefined, warn: () => undefined, error: (detail) => { faults.push(detail) } },
    registry,
    onGap: (gap) => { gaps.push(gap) },
    drainMs: 0,
    stopMs: 2_000,
    onListening: listening.resolve,
    ...options,
  })
  const stopping = new AbortController()
  const running = server.run(stopping.signal)
  running.catch(listening.reject)
  const port = await listening.promise
  const agent = new Agent({ keepAlive: true, ca: root.authority.bundle })
  const stop = async (): Promise<void> => {
    stopping.abort()
    await running
  }
  t.teardown(async () => { agent.destroy(); await stop() })

  const post: TestWebhook['post'] = async (path, body, { agent: own = agent, method = 'POST', headers = {} } = {}) => {
    const call = request({ agent: own, host: '127.0.0.1', port, path, method, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers } })
    call.on('error', () => undefined) // an early answer may close the connection under the rest of the body; `response` was emitted before
    call.end(body)
    const [response] = await once(call, 'response') as [IncomingMessage]
    return { status: response.statusCode ?? 0, body: await text(response), headers: response.headers }
  }
  const review: TestWebhook['review'] = async (pod, request = {}, path = '/inject?timeout=2s') => {
    const { status, body } = await post(path, JSON.stringify(reviewOf(pod, request)))
    if (status !== 200) throw new Error(`${status}: ${body}`)
    return (JSON.parse(body) as { response: AdmissionResponse }).response
  }
  return { port, root, credentials, namespaces, entries, gaps, faults, registry, clock, server, agent, post, review, stop }
}

export const UID = '705ab4f5-6393-11e8-b7cc-42010a800002'

/** As Go writes it: the fields have this order. */
export const reviewOf = (object: unknown, given: object = {}): object => ({
  kind: 'AdmissionReview',
  apiVersion: 'admission.k8s.io/v1',
  request: {
    uid: UID,
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    namespace: 'shop',
    operation: 'CREATE',
    userInfo: { username: 'anna', groups: ['system:authenticated'] },
    object,
    oldObject: null,
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    ...given,
  },
})

/** A pod of about `bytes` of JSON, as a Deployment of a shop has it. */
export function podOf (bytes = 0, metadata: object = {}): object {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'web-', labels: { app: 'web' }, creationTimestamp: null, ...metadata },
    spec: { containers: [{ name: 'app', image: 'nginx:1.27', env: [] as object[], resources: {} }], volumes: [{ name: 'tmp', emptyDir: {} }], restartPolicy: 'Always' },
  }
  const [container] = pod.spec.containers
  for (let number = 0; JSON.stringify(pod).length < bytes; number++) container?.env.push({ name: `SETTING_${number}`, value: `the value of the setting of number ${number}` })
  return pod
}
