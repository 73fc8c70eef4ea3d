import fc from 'fast-check'
import t, { type Test } from 'tap'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { canonicalQuantity } from '../../src/core/injection/quantity.ts'
import { POD_SECURITY_LEVELS, type InjectionContext } from '../../src/core/injection/settings.ts'
import type { KubernetesObject, Namespace } from '../../src/core/kubernetes/object.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../src/ports/kubernetes.ts'
import { applyInjection } from '../../webhook/inject/apply.ts'
import { decideInjection } from '../../webhook/inject/decide.ts'
import { contextWith, listCases } from '../webhook/inject/cases.ts'
import { validPod } from '../webhook/inject/pods.ts'
import { testCluster, withoutCluster } from './cluster/test-cluster.ts'

const api = { skip: withoutCluster('api'), timeout: 300_000 }
const LEVEL = 'pod-security.kubernetes.io/enforce'

const context = contextWith({ xds: 'autoshield-xds.autoshield.svc:18000' })

interface Server { readonly api: KubernetesApi, readonly namespaceOf: (level: string | undefined) => Promise<string> }

/** The API server, and a namespace for each level that pods can be made in. */
async function server (t: Test): Promise<Server> {
  const { kubeconfig, kubectl, namespace } = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  const made = new Map<string | undefined, Promise<string>>()
  const make = async (level: string | undefined): Promise<string> => {
    const name = await namespace(level === undefined ? {} : { [LEVEL]: level })
    await kubectl(['wait', '--for=create', 'serviceaccount/default', '-n', name, '--timeout=60s'])
    return name
  }
  return {
    api,
    namespaceOf: (level) => {
      const name = made.get(level) ?? make(level)
      made.set(level, name)
      return name
    },
  }
}

/** The pod as the API server would store it; its refusal as an Error. */
const asStored = async (api: KubernetesApi, pod: KubernetesObject, namespace: string): Promise<KubernetesObject | Error> =>
  api.create(RESOURCES.pods, { ...pod, metadata: { ...pod.metadata, namespace } }, { dryRun: true }).catch((error: unknown) => error as Error)

function inject (pod: KubernetesObject, namespace: Namespace, context: InjectionContext): KubernetesObject | null {
  const decision = decideInjection({ pod, namespace }, context)
  return decision.kind === 'inject' ? applyInjection(pod, decision, context) : null
}

t.test('every injected case is taken by the API server at its level, and found as it should be afterwards', api, async (t) => {
  const { api, namespaceOf } = await server(t)
  let taken = 0
  for (const { name, pod, namespace, context } of listCases()) {
    const injected = namespace === null ? null : inject(pod, namespace, context)
    // An old cluster cannot be had here: its pods are judged by their golden files alone.
    if (namespace === null || injected === null || context.cluster.minor < 29) continue
    const stored = await asStored(api, injected, await namespaceOf(LEVELS.get(namespace.labels[LEVEL] ?? '')))
    if (stored instanceof Error) {
      t.fail(`${name}: ${stored.message}`)
      continue
    }
    taken++
    t.match(decideInjection({ pod: stored, namespace }, context), { kind: 'skip', reason: 'AlreadyInjected' }, `${name} is found as it should be`)
  }
  t.ok(taken >= 60, `${taken} cases were taken`)
})
/** A namespace with a level that is none cannot be made; it counts as restricted. */
const LEVELS = new Map([['privileged', 'privileged'], ['baseline', 'baseline'], ['restricted', 'restricted'], ['strict', 'restricted']])

t.test('of 500 random pods, each that the API server takes is taken with its observer, too', api, async (t) => {
  const { api, namespaceOf } = await server(t)
  let taken = 0
  for (const level of POD_SECURITY_LEVELS) {
    const name = await namespaceOf(level)
    const namespace = { name: 'shop', labels: { 'autoshield.dev/injection': 'required', 'autoshield.dev/proxy': 'enabled', [LEVEL]: level }, annotations: {} }
    for (const random of fc.sample(validPod(level), { numRuns: 167, seed: 4 })) {
      const pod = random as unknown as KubernetesObject
      const injected = inject(pod, namespace, context)
      if (injected === null) continue
      const [plain, stored] = await Promise.all([asStored(api, pod, name), asStored(api, injected, name)])
      if (plain instanceof Error) continue
      taken++
      if (stored instanceof Error) t.fail(`${level}: ${stored.message}: ${JSON.stringify(pod)}`)
      else t.match(decideInjection({ pod: stored, namespace }, context), { reason: 'AlreadyInjected' })
    }
  }
  t.ok(taken >= 400, `${taken} were taken`)
})

t.test('in a namespace without a label, an observer has no pod refused, whatever level the API server enforces there', api, async (t) => {
  const { api, namespaceOf } = await server(t)
  const namespace = { name: 'shop', labels: { 'autoshield.dev/injection': 'enabled', 'autoshield.dev/proxy': 'enabled' }, annotations: {} }
  let taken = 0
  for (const made of POD_SECURITY_LEVELS) {
    for (const random of fc.sample(validPod(made), { numRuns: 40, seed: 5 })) {
      const pod = random as unknown as KubernetesObject
      const injected = inject(pod, namespace, context)
      if (injected === null) continue
      // What AdmissionConfiguration would enforce by default, the labels of these namespaces do.
      for (const level of POD_SECURITY_LEVELS) {
        const name = await namespaceOf(level)
        const [plain, stored] = await Promise.all([asStored(api, pod, name), asStored(api, injected, name)])
        if (plain instanceof Error) continue
        taken++
        t.notOk(stored instanceof Error, `made for ${made}, enforced ${level}${stored instanceof Error ? `: ${stored.message}` : ''}`)
      }
    }
  }
  t.ok(taken >= 75, `${taken} were taken`)
})

t.test('a quantity is written as the API server stores it', api, async (t) => {
  const { api, namespaceOf } = await server(t)
  const name = await namespaceOf('privileged')
  for (const memory of ['1', '0.5Gi', '1024Mi', '1.5Ki', '0.5Ki', '200M', '1000000', '1234567', '1500', '1024Ki']) {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'a', image: 'b', resources: { limits: { memory } } }] } }
    const { spec } = await asStored(api, pod, name) as unknown as { spec: { containers: { resources: { limits: { memory: string } } }[] } }
    t.equal(spec.containers[0]?.resources.limits.memory, canonicalQuantity(memory), memory)
  }
})
