import { createServer, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { openKubernetes, type KubernetesOptions } from '../../../src/adapters/kubernetes/open-kubernetes.ts'
import type { AutoshieldError } from '../../../src/core/errors.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import type { KubernetesApi, WatchEvent } from '../../../src/ports/kubernetes.ts'
import { brokenWay } from '../../kubernetes/broken-way.ts'
import { testCluster, withoutCluster } from '../../real/cluster/test-cluster.ts'

const { configMaps } = RESOURCES
const quick: KubernetesOptions = { backoff: { baseMs: 1, maxMs: 20 }, random: () => 0.5 }
const config = (namespace: string, name: string) => ({ metadata: { name, namespace, labels: { test: 'watch' } } })

function watching (t: Test, api: KubernetesApi, namespace: string): AsyncIterator<WatchEvent, unknown> {
  const stopping = new AbortController()
  t.teardown(() => stopping.abort())
  return api.watch(configMaps, { namespace, labelSelector: 'test=watch' }, stopping.signal)[Symbol.asyncIterator]()
}

function told ({ value, done }: IteratorResult<WatchEvent, unknown>): string {
  if (done === true) return 'done'
  return value.type === 'synced' ? `synced ${value.objects.map(({ metadata }) => metadata.name).join()}` : `${value.type} ${value.object.metadata.name}`
}

t.test('against a real API server', { skip: withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const direct = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => direct[Symbol.dispose]())

  t.test('a watch that was cut goes on where it was, without a new list and without a gap', async (t) => {
    const namespace = await cluster.namespace()
    const way = await brokenWay(t, cluster.kubeconfig)
    const troubles: AutoshieldError[] = []
    using api = openKubernetes({ kubeconfig: way.kubeconfig }, { ...quick, onTrouble: (error) => troubles.push(error) })
    const watch = watching(t, api, namespace)
    t.equal(told(await watch.next()), 'synced ')
    for (const name of ['a', 'b', 'c']) {
      const next = watch.next()
      way.cut()
      await direct.create(configMaps, config(namespace, name))
      t.equal(told(await next), `put ${name}`)
    }
    t.ok(troubles.every(({ code }) => code === 'UNAVAILABLE'))
  })

  t.test('a watch that falls silent is taken for dead and begun again', async (t) => {
    const namespace = await cluster.namespace()
    const way = await brokenWay(t, cluster.kubeconfig)
    const silent = Promise.withResolvers<AutoshieldError>()
    using api = openKubernetes({ kubeconfig: way.kubeconfig }, { ...quick, silenceMs: 300, onTrouble: (error) => { if (error.message.includes('silent')) silent.resolve(error) } })
    const watch = watching(t, api, namespace)
    await watch.next()
    const next = watch.next()
    way.hold()
    await direct.create(configMaps, config(namespace, 'a'))
    t.match(await silent.promise, { code: 'UNAVAILABLE', message: /fell silent/ })
    way.resume()
    way.cut()
    t.equal(told(await next), 'put a')
  })

  t.test('a request that gets no answer ends in time', async (t) => {
    const way = await brokenWay(t, cluster.kubeconfig)
    using api = openKubernetes({ kubeconfig: way.kubeconfig }, { timeoutMs: 200 })
    way.hold()
    await t.rejects(api.list(configMaps), { code: 'UNAVAILABLE', message: /did not answer in time/ })
  })

  t.test('a kept connection that had died costs a reader nothing', async (t) => {
    const way = await brokenWay(t, cluster.kubeconfig)
    using api = openKubernetes({ kubeconfig: way.kubeconfig })
    for (let i = 0; i < 5; i++) {
      await api.text('/version')
      way.cut()
    }
    t.ok(way.connections() >= 5)
  })

  t.test('who may not is told the verb and the resource to grant', async (t) => {
    const namespace = await cluster.namespace()
    await cluster.kubectl(['create', 'serviceaccount', 'nobody', '-n', namespace])
    const token = (await cluster.kubectl(['create', 'token', 'nobody', '-n', namespace])).trim()
    const whole = JSON.parse(await cluster.kubectl(['config', 'view', '--raw', '--flatten', '-o', 'json'])) as { clusters: unknown[], users: object[] }
    const [user] = whole.users
    const kubeconfig = `${t.testdir({ config: JSON.stringify({ ...whole, users: [{ ...user, user: { token } }] }) })}/config`
    using api = openKubernetes({ kubeconfig })
    await t.rejects(api.list(RESOURCES.secrets, { namespace }), { code: 'UNTRUSTED', message: /does not let us list secrets in namespace .*grant the verb "list" on "secrets"/ })
    await t.rejects(api.apply(RESOURCES.deployments, { metadata: { name: 'a', namespace } }), { code: 'UNTRUSTED', message: /grant the verb "patch" on "deployments.apps"/ })
    const unknown = `${t.testdir({ unknown: JSON.stringify({ ...whole, users: [{ ...user, user: { token: 'nonsense' } }] }) })}/unknown`
    using stranger = openKubernetes({ kubeconfig: unknown })
    await t.rejects(stranger.list(RESOURCES.secrets), { code: 'UNTRUSTED', message: /does not know who we are/ })
  })
})

t.test('against a server that plays the API server', async (t) => {
  t.test('what the API server has forgotten is listed anew', async (t) => {
    const { kubeconfig, lists } = await scripted(t, [
      (answer) => answer.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' } })}\n`),
      (answer) => answer.writeHead(410).end('{}'),
      (answer) => answer.write(`${JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'later', namespace: 'n', resourceVersion: '9' } } })}\n`),
    ])
    using api = openKubernetes({ kubeconfig }, quick)
    const watch = watching(t, api, 'n')
    t.strictSame([told(await watch.next()), told(await watch.next()), told(await watch.next()), told(await watch.next())], ['synced a', 'synced a', 'synced a', 'put later'])
    t.equal(lists(), 3)
  })

  t.test('whatever it answers, the watch goes on, and its listeners do not pile up', async (t) => {
    const { kubeconfig } = await scripted(t, [
      (answer) => answer.writeHead(500).end('down'),
      (answer) => answer.end('this is no JSON\n'),
      (answer) => answer.end('{"type": "NONSENSE", "object": {"metadata": {"name": "x"}}}\n'),
      (answer) => answer.end(),
      (answer) => answer.end('{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "8"}}}\n'),
      ...Array.from({ length: 20 }, () => (answer: ServerResponse) => { answer.destroy() }),
      (answer) => answer.write(`${JSON.stringify({ type: 'DELETED', object: { metadata: { name: 'a', namespace: 'n', resourceVersion: '9' } } })}\n`),
    ])
    const codes = new Set<string>()
    const warnings: Error[] = []
    const warned = (warning: Error) => warnings.push(warning)
    process.on('warning', warned)
    t.teardown(() => process.off('warning', warned))
    using api = openKubernetes({ kubeconfig }, { ...quick, onTrouble: ({ code }) => codes.add(code) })
    const watch = watching(t, api, 'n')
    t.equal(told(await watch.next()), 'synced a')
    t.equal(told(await watch.next()), 'gone a')
    t.strictSame([...codes].sort(), ['BAD_DATA', 'UNAVAILABLE'])
    t.strictSame(warnings, [])
  })

  t.test('a list of many pages is read to its end, and anew where its place was lost', async (t) => {
    let asked = 0
    const server = createServer((request, answer) => {
      asked++
      const page = new URL(request.url ?? '/', 'http://x').searchParams.get('continue')
      if (page === 'lost') answer.writeHead(410).end('{}')
      else answer.end(JSON.stringify({ metadata: { resourceVersion: '7', ...(page !== '2' && { continue: asked === 1 ? 'lost' : '2' }) }, items: [{ metadata: { name: `p${page ?? 1}` } }] }))
    })
    using api = openKubernetes({ kubeconfig: await serving(t, server) })
    t.strictSame((await api.list(configMaps)).map(({ metadata }) => metadata.name), ['p1', 'p2'])
    t.equal(asked, 4)
  })

  t.test('what is no API server is refused by name', async (t) => {
    using api = openKubernetes({ kubeconfig: await serving(t, createServer((_, answer) => answer.end('<html>login</html>'))) })
    await t.rejects(api.list(configMaps), { code: 'BAD_DATA', message: /is the address that of a Kubernetes API server/ })
    await t.rejects(api.get(configMaps, 'a', 'n'), { code: 'BAD_DATA' })
  })
})

t.test('where no cluster can be found, the message says how to name one', async (t) => {
  const dir = t.testdir({ broken: 'this: [is', empty: '{}', two: JSON.stringify({ contexts: [{ name: 'one', context: { cluster: 'c', user: 'u' } }], clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }], users: [{ name: 'u', user: {} }] }) })
  t.throws(() => openKubernetes({}), { code: 'NOT_FOUND', message: /--kubeconfig/ })
  t.throws(() => openKubernetes({ kubeconfig: `${dir}/none` }), { code: 'NOT_FOUND', message: /does not exist/ })
  t.throws(() => openKubernetes({ kubeconfig: `${dir}/broken` }), { code: 'BAD_DATA', message: /no kubeconfig/ })
  t.throws(() => openKubernetes({ kubeconfig: `${dir}/empty` }), { code: 'BAD_DATA' })
  t.throws(() => openKubernetes({ kubeconfig: `${dir}/two`, context: 'three' }), { code: 'NOT_FOUND', message: /it has one/ })
  t.throws(() => openKubernetes({ inCluster: { host: '10.96.0.1', port: '443' } }), { code: 'NOT_FOUND', message: /service account/ })
  using away = openKubernetes({ kubeconfig: `${dir}/none:${dir}/two`, context: 'one' })
  await t.rejects(away.text('/version'), { code: 'UNAVAILABLE', message: /cannot be reached/ })
})

/** Lists one object; answers each watch by the next of the script. */
async function scripted (t: Test, script: ((answer: ServerResponse) => unknown)[]): Promise<{ kubeconfig: string, lists: () => number }> {
  let lists = 0
  const server = createServer((request, answer) => {
    if (request.url?.includes('watch=true') === true) {
      script.shift()?.(answer)
      return
    }
    lists++
    answer.end(JSON.stringify({ metadata: { resourceVersion: '7' }, items: [{ metadata: { name: 'a', namespace: 'n', resourceVersion: '5' } }] }))
  })
  return { kubeconfig: await serving(t, server), lists: () => lists }
}

async function serving (t: Test, server: ReturnType<typeof createServer>): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = address === null || typeof address === 'string' ? 0 : address.port
  return `${t.testdir({ config: JSON.stringify({ 'current-context': 'x', contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }], clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }], users: [{ name: 'u', user: {} }] }) })}/config`
}
