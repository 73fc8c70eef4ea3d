import { once } from 'node:events'
import { Agent, get } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { requestRotation, SecretAuthority } from '../../certs/secret-authority.ts'
import { SecretCredentials } from '../../certs/secret-credentials.ts'
import { ServingCertificate } from '../../certs/serving-certificate.ts'
import { firstCredentials } from '../../src/wire/held-credentials.ts'
import { httpsServer } from '../../src/wire/https-server.ts'
import { FakeKubernetes } from '../kubernetes/fake-api.ts'
import { HOUR_MS, TestClock, TRUST_DOMAIN } from './samples.ts'

const NAMESPACE = 'autoshield'
const NAME = 'autoshield-webhook.autoshield.svc'

/** An API server's side of reviews: some connections are kept, some are new, and its caBundle is an older one for a while. */
class Load {
  readonly done = { requests: 0, handshakes: 0 }
  readonly failed: unknown[] = []
  readonly #port: number
  readonly #bundle: () => string
  readonly #stop = new AbortController()
  readonly #loops: Promise<unknown>

  constructor (port: number, bundle: () => string) {
    this.#port = port
    this.#bundle = bundle
    this.#loops = Promise.all([this.#loop(1), this.#loop(1), this.#loop(5), this.#loop(50)])
  }

  /** Until `count` more requests, new connections among them, were answered. */
  async more (count: number): Promise<void> {
    for (const wanted = this.done.requests + count; this.done.requests < wanted && this.failed.length === 0;) await setTimeout(1)
  }

  async stop (): Promise<void> {
    this.#stop.abort()
    await this.#loops
  }

  /** `kept`: requests on one connection. */
  async #loop (kept: number): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: this.#bundle(), servername: NAME })
      try {
        for (let request = 0; request < kept; request++) await this.#ask(agent)
        this.done.handshakes++
      } catch (error) {
        this.failed.push(error)
      } finally {
        agent.destroy()
      }
    }
  }

  async #ask (agent: Agent): Promise<void> {
    const [response] = await once(get({ agent, host: '127.0.0.1', port: this.#port }), 'response') as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    this.done.requests++
  }
}

t.test('the webhook\'s certificate and then the root are changed under load: no handshake and no request fails', async (t) => {
  const [api, clock] = [new FakeKubernetes(), new TestClock()]
  const authority = new SecretAuthority({ api, namespace: NAMESPACE, trustDomain: TRUST_DOMAIN, clock })
  const serving = new ServingCertificate({ api, authority, trustDomain: TRUST_DOMAIN, namespace: NAMESPACE, clock })
  // Two replicas, of which one hears of each change late.
  const [webhook, late] = [1, 2].map(() => new SecretCredentials({ api, namespace: NAMESPACE, clock }))
  if (webhook === undefined || late === undefined) throw new Error('there are two')
  await authority.reconcile()
  await serving.reconcile()
  await Promise.all([webhook.look(), late.look()])
  await firstCredentials(webhook, AbortSignal.timeout(1_000))
  const registered = { bundle: serving.bundle() }
  const loads = await Promise.all([webhook, late].map(async (credentials) => {
    const server = httpsServer((_request, response) => response.end('ok'), { credentials })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => { server.closeAllConnections(); server.close() })
    return new Load((server.address() as AddressInfo).port, () => registered.bundle)
  }))
  const certificates = new Set([webhook.current().certificate])
  // Real certificates are checked by the real time: the clock turns by less than what they still live, and the root by request.
  const some = async (): Promise<void> => { await Promise.all(loads.map((load) => load.more(25))) }
  const reconcile = async (): Promise<void> => {
    await authority.reconcile()
    await serving.reconcile()
    await webhook.look()
    await some()
    registered.bundle = serving.bundle()
    await some()
    await late.look()
    await some()
    certificates.add(webhook.current().certificate)
  }
  await requestRotation(api, NAMESPACE)
  await reconcile()
  t.equal(registered.bundle.match(/BEGIN/g)?.length, 2, 'the new root is trusted')
  await api.remove({ group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true }, 'autoshield-webhook-tls', { namespace: NAMESPACE })
  await reconcile()
  t.equal(certificates.size, 2, 'the certificate was changed')
  clock.nowMs += 25 * HOUR_MS
  await authority.reconcile() // the new root signs
  clock.nowMs -= 25 * HOUR_MS
  await api.remove({ group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true }, 'autoshield-webhook-tls', { namespace: NAMESPACE })
  await reconcile()
  t.equal(certificates.size, 3, 'and signed by the new root')
  await Promise.all(loads.map((load) => load.stop()))
  t.same(loads.flatMap(({ failed }) => failed), [])
  const total = loads.reduce((sum, { done }) => sum + done.handshakes, 0)
  t.ok(total > 40, `${total} handshakes`)
})
