import t, { type Test } from 'tap'
import { Registration } from '../../../src/controller/registration/registration.ts'
import { CONTESTED_AFTER } from '../../../src/controller/registration/dispute.ts'
import type { RegistrationState } from '../../../src/controller/registration/state.ts'
import { AutoshieldError } from '../../../src/core/errors.ts'
import { ANNOTATIONS } from '../../../src/core/injection/names.ts'
import type { KubernetesObject } from '../../../src/core/kubernetes/object.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'

const MUTATING = [RESOURCES.mutatingWebhooks, 'autoshield-default'] as const
const VALIDATING = [RESOURCES.validatingWebhooks, 'autoshield-default'] as const

const slice = (ready: boolean): object =>
  ({ metadata: { name: 'autoshield-webhook-x', namespace: 'autoshield', labels: { 'kubernetes.io/service-name': 'autoshield-webhook' } }, endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready } }] })
const home = (annotations: Readonly<Record<string, string>> = {}): object => ({ metadata: { name: 'autoshield', annotations } })

/** A registration that runs until the test ends; time passes and it looks when the test says so. */
class Running {
  readonly api: FakeKubernetes
  readonly corrections: string[] = []
  readonly said: string[] = []
  bundle: string | null = 'CA 1'
  nowMs = 1_000_000
  readonly #registration: Registration
  #beat = Promise.withResolvers<undefined>()

  constructor (t: Test, api: FakeKubernetes) {
    this.api = api
    const stop = new AbortController()
    const log = (_fields: object, message: string): number => this.said.push(message)
    this.#registration = new Registration({
      api,
      settings: { revision: 'default', excludedNamespaces: [], ownNamespace: 'autoshield', backend: { kind: 'service' } },
      bundle: () => this.bundle,
      every: (_ms, signal) => this.#beats(signal),
      clock: { now: () => this.nowMs },
      random: () => 0.5,
      metrics: { state: () => undefined, registered: () => undefined, corrected: (webhook, change) => this.corrections.push(`${webhook} ${change}`), failed: () => undefined },
      log: { info: log, warn: log, error: log },
    })
    const running = this.#registration.run(stop.signal)
    t.teardown(async () => {
      stop.abort()
      this.#beat.resolve(undefined)
      await running
    })
  }

  get state (): RegistrationState { return this.#registration.state() }

  isAsWanted (object: KubernetesObject): boolean { return this.#registration.isAsWanted(object) }

  async * #beats (signal: AbortSignal): AsyncGenerator<number, void> {
    for (let beat = 0; !signal.aborted; beat++) {
      await this.#beat.promise
      this.#beat = Promise.withResolvers()
      yield beat
    }
  }

  /** Lets it see what happened, and look twice. */
  async settle (afterMs = 0): Promise<void> {
    this.nowMs += afterMs
    for (let turn = 0; turn < 3; turn++) {
      this.#beat.resolve(undefined)
      await new Promise((resolve) => { setImmediate(resolve) })
      await new Promise((resolve) => { setImmediate(resolve) })
    }
  }

  async exists (): Promise<readonly boolean[]> {
    return [await this.api.get(...MUTATING) !== null, await this.api.get(...VALIDATING) !== null]
  }
}

/** A cluster in which everything is ready for registration. */
function readyCluster (): FakeKubernetes {
  const api = new FakeKubernetes()
  api.seed(RESOURCES.namespaces, home())
  api.seed(RESOURCES.endpointSlices, slice(true))
  return api
}

const bundlesOf = (object: KubernetesObject | null): readonly unknown[] =>
  ((object?.['webhooks'] ?? []) as { clientConfig: { caBundle: string } }[]).map(({ clientConfig }) => Buffer.from(clientConfig.caBundle, 'base64').toString())

t.test('nothing is registered before there is a certificate and a replica that answers', async (t) => {
  const api = new FakeKubernetes()
  api.seed(RESOURCES.namespaces, home())
  api.seed(RESOURCES.endpointSlices, slice(false))
  const running = new Running(t, api)
  running.bundle = null
  await running.settle()
  t.match(running.state, { kind: 'waiting', why: /certificate/ })
  running.bundle = 'CA 1'
  await running.settle()
  t.match(running.state, { kind: 'waiting', why: /replica/ })
  t.same(await running.exists(), [false, false])
  api.seed(RESOURCES.endpointSlices, slice(true))
  await running.settle()
  t.same(running.state, { kind: 'registered' })
  t.same(await running.exists(), [true, true])
})

t.test('the webhooks stay when the last replica goes', async (t) => {
  const running = new Running(t, readyCluster())
  await running.settle()
  running.api.seed(RESOURCES.endpointSlices, slice(false))
  await running.settle()
  t.same(running.state, { kind: 'registered' })
  t.same(await running.exists(), [true, true])
})

t.test('a new bundle is written to every entry, and counts as nobody\'s change', async (t) => {
  const running = new Running(t, readyCluster())
  await running.settle()
  running.bundle = 'CA 2 and CA 1'
  await running.settle()
  t.same(new Set(bundlesOf(await running.api.get(...MUTATING))), new Set(['CA 2 and CA 1']))
  t.same(bundlesOf(await running.api.get(...VALIDATING)), ['CA 2 and CA 1'])
  t.same(running.corrections, [])
})

t.test('what is as it should be is not written again', async (t) => {
  const running = new Running(t, readyCluster())
  await running.settle()
  const writes = (): number => running.api.calls.filter(({ verb }) => verb === 'apply' || verb === 'replace').length
  const before = writes()
  for (let look = 0; look < 10; look++) await running.settle(1_000)
  t.equal(writes(), before)
})

t.test('what somebody deleted or changed is put right', async (t) => {
  const running = new Running(t, readyCluster())
  await running.settle()
  await running.api.remove(...MUTATING)
  await running.settle()
  t.same(await running.exists(), [true, true])
  const validating = await running.api.get(...VALIDATING)
  const [entry] = validating?.['webhooks'] as [object]
  running.api.seed(VALIDATING[0], { ...validating, webhooks: [{ ...entry, failurePolicy: 'Fail' }] })
  await running.settle(60_000)
  t.match(await running.api.get(...VALIDATING), { webhooks: [{ failurePolicy: 'Ignore' }] })
  t.same(running.corrections, ['mutating deleted', 'validating changed'])
})

t.test('one who changes it again and again is named, and not fought at full speed', async (t) => {
  const running = new Running(t, readyCluster())
  await running.settle()
  const managedFields = [{ manager: 'argocd-controller', operation: 'Update', time: '2026-01-01T00:00:00Z' }]
  for (let second = 0; second < 3_600; second++) {
    const seen = await running.api.get(...VALIDATING)
    const [entry] = seen?.['webhooks'] as [{ timeoutSeconds: number }]
    if (entry.timeoutSeconds !== 30) running.api.seed(VALIDATING[0], { ...seen, metadata: { ...seen?.metadata, managedFields }, webhooks: [{ ...entry, timeoutSeconds: 30 }] })
    await running.settle(1_000)
  }
  t.same(running.state, { kind: 'contested', by: 'argocd-controller' })
  t.ok(running.corrections.length >= CONTESTED_AFTER && running.corrections.length <= 20, `${running.corrections.length} corrections in an hour`)
  t.equal(running.said.filter((message) => message.includes('again and again')).length, 1, 'said once')

  t.test('and forgotten when that one rests', async (t) => {
    await running.settle(3_600_000)
    await running.settle()
    t.same(running.state, { kind: 'registered' })
  })
})

t.test('an object of our name without our label is left alone', async (t) => {
  const api = readyCluster()
  api.seed(MUTATING[0], { metadata: { name: MUTATING[1], labels: { 'app.kubernetes.io/managed-by': 'Helm' } }, webhooks: [] })
  const running = new Running(t, api)
  await running.settle()
  t.same(running.state, { kind: 'foreign', name: MUTATING[1] })
  t.match(await api.get(...MUTATING), { webhooks: [] })
})

t.test('the broken glass keeps the webhooks away until it is mended', async (t) => {
  const running = new Running(t, readyCluster())
  await running.settle()
  running.api.seed(RESOURCES.namespaces, home({ [ANNOTATIONS.webhooks]: 'off' }))
  await running.settle()
  t.same(running.state, { kind: 'off' })
  await running.settle(3_600_000)
  t.same(await running.exists(), [false, false])
  running.api.seed(RESOURCES.namespaces, { metadata: { name: 'autoshield', annotations: {} } })
  await running.api.remove(RESOURCES.namespaces, 'autoshield')
  running.api.seed(RESOURCES.namespaces, home())
  await running.settle()
  t.same(await running.exists(), [true, true])
  t.same(running.corrections, [], 'it was no dispute')
})

t.test('the webhooks belong to the role that lets the controller write them, so that they go with it', async (t) => {
  for (const installed of [true, false]) {
    const api = readyCluster()
    const role = installed ? api.seed(RESOURCES.clusterRoles, { metadata: { name: 'autoshield-controller-autoshield' } }) : null
    const running = new Running(t, api)
    await running.settle()
    for (const [resource, name] of [MUTATING, VALIDATING]) {
      const owners = role === null ? [] : [{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', name: 'autoshield-controller-autoshield', uid: role.metadata.uid }]
      t.strictSame((await api.get(resource, name))?.metadata['ownerReferences'] ?? [], owners)
    }
  }
})

t.test('an API server that refuses is asked again, slower and slower, and said once', async (t) => {
  const api = readyCluster()
  let asked = 0
  api.fault = ({ verb }) => {
    if (verb !== 'apply') return null
    asked++
    return new AutoshieldError('UNTRUSTED', 'grant the verb "patch"')
  }
  const running = new Running(t, api)
  for (let second = 0; second < 600; second++) await running.settle(1_000)
  t.match(running.state, { kind: 'failed', message: /grant/ })
  t.ok(asked >= 2 && asked < 50, `${asked} attempts in ten minutes`)
  t.equal(running.said.filter((message) => message.includes('grant')).length, 1)
  api.fault = null
  await running.settle(60_000)
  t.same(running.state, { kind: 'registered' })
})

t.test('a configuration that somebody changed under our own name is not as we want it', async (t) => {
  const running = new Running(t, readyCluster())
  await running.settle()
  const object = await running.api.get(...MUTATING)
  if (object === null) throw new Error('it is registered')
  const [first, ...others] = object['webhooks'] as readonly Record<string, unknown>[]
  t.ok(running.isAsWanted(object))
  t.ok(running.isAsWanted({ ...object, webhooks: [{ ...first, timeoutSeconds: first?.['timeoutSeconds'], addedByTheServer: 'Never' }, ...others] }), 'defaults are no difference')
  t.notOk(running.isAsWanted({ ...object, webhooks: [{ ...first, rules: [] }, ...others] }))
  t.notOk(running.isAsWanted({ ...object, webhooks: others }))
})
