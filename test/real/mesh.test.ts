import t from 'tap'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import type { Proxy } from '../../src/console/api/views.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import { parseInjectionStatus } from '../../src/core/injection/status.ts'
import { followMitigations } from '../kubernetes/follow-mitigations.ts'
import { mitigationOf } from '../xds/mitigation-of.ts'
import { until } from '../xds/real-envoy.ts'
import { withoutCluster } from './cluster/test-cluster.ts'
import { install, type Installed, OWN_NAMESPACE } from './installed.ts'

t.setTimeout(420_000)

interface Pod {
  readonly metadata: { readonly name: string, readonly uid: string, readonly annotations?: Readonly<Record<string, string>> }
  readonly status: { readonly podIP: string, readonly conditions?: readonly { readonly type: string, readonly status: string }[], readonly initContainerStatuses?: readonly { readonly name: string, readonly restartCount: number }[], readonly containerStatuses?: readonly { readonly name: string, readonly restartCount: number }[] }
}

const HARDENED = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } }

/** Answers at once, with its client's address, or without end. */
const SERVER = `require('http').createServer((request, answer) => {
  if (request.url === '/whoami') return answer.end(request.socket.remoteAddress.replace('::ffff:', ''))
  if (request.url !== '/stream') return answer.end('served')
  const ticks = setInterval(() => answer.write('.'), 100)
  answer.on('close', () => clearInterval(ticks))
}).listen(8080)`

/** A web server with the probes that people write. */
function application (image: string, annotations: Readonly<Record<string, string>>, securityContext: object): string {
  const probe = { httpGet: { path: '/', port: 8080 }, periodSeconds: 1, failureThreshold: 2, timeoutSeconds: 2 }
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'victim' },
    spec: {
      selector: { matchLabels: { app: 'victim' } },
      template: {
        metadata: { labels: { app: 'victim' }, annotations },
        spec: {
          terminationGracePeriodSeconds: 5,
          containers: [{
            name: 'app',
            image,
            command: ['node', '-e', SERVER],
            ports: [{ containerPort: 8080 }],
            readinessProbe: probe,
            livenessProbe: { ...probe, failureThreshold: 10 }, // a busy machine of tests is no dead application
            securityContext,
          }],
        },
      },
    },
  })
}

const client = (name: string, image: string): string => JSON.stringify({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'clients' }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'app', image, command: ['sleep', '3600'] }] },
})

/** What the proxy has, less what tells only when it came. */
const CONFIG_DUMP = `require('http').get({ socketPath: '/run/autoshield-proxy/admin/admin.sock', path: '/config_dump' }, async (answer) => {
  const text = await require('stream/consumers').text(answer)
  console.log(JSON.stringify(JSON.parse(text), (name, value) => name === 'last_updated' ? undefined : value))
})`

/** Connections to the pod that came to Envoy. */
const INBOUND_STATS = 'require("http").get({ socketPath: "/run/autoshield-proxy/admin/admin.sock", path: "/stats?filter=^listener.inbound.downstream_cx_total$" }, (answer) => answer.pipe(process.stdout))'

/** Envoy's counters of the access log service. */
const LOG_STATS = 'require("http").get({ socketPath: "/run/autoshield-proxy/admin/admin.sock", path: "/stats?filter=^cluster.access-log" }, (answer) => answer.pipe(process.stdout))'

/** What a test does with the pods of a namespace. */
function shopOf ({ kubectl, images }: Installed, namespace: string) {
  const get = async (from: string, address: string, port: number): Promise<'served' | 'refused'> =>
    kubectl(['-n', 'clients', 'exec', from, '--', 'curl', '-s', '-m', '5', `http://${address}:${port}/`]).then((text) => text.trim() === 'served' ? 'served' : 'refused', () => 'refused' as const)
  return {
    deploy: async (labels: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>> = {}, security: object = {}): Promise<Pod> => {
      await kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } }))
      await kubectl(['-n', namespace, 'create', '-f', '-'], application(images.autoshield, annotations, security))
      await kubectl(['-n', namespace, 'rollout', 'status', 'deployment/victim', '--timeout=90s'])
      const { items: [pod] } = JSON.parse(await kubectl(['-n', namespace, 'get', 'pods', '-l', 'app=victim', '-o', 'json'])) as { items: Pod[] }
      if (pod === undefined) throw new Error('the deployment has no pod')
      return pod
    },
    pod: async (name: string): Promise<Pod> => JSON.parse(await kubectl(['-n', namespace, 'get', 'pod', name, '-o', 'json'])) as Pod,
    log: async (name: string): Promise<string> => kubectl(['-n', namespace, 'logs', name, '-c', 'autoshield-proxy']),
    inProxy: async (name: string, ...command: string[]): Promise<string> => kubectl(['-n', namespace, 'exec', name, '-c', 'autoshield-proxy', '--', ...command]),
    get,
    becomes: async (from: string, address: string, port: number, wanted: 'served' | 'refused', why: string) =>
      until(`${from} is ${wanted} on ${address}:${port}: ${why}`, async () => await get(from, address, port) === wanted || undefined, 30_000),
  }
}

const isReady = ({ status }: Pod): boolean => status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
const restarts = ({ status }: Pod): number => [...status.initContainerStatuses ?? [], ...status.containerStatuses ?? []].reduce((sum, { restartCount }) => sum + restartCount, 0)

t.test('the mesh in a cluster, with Envoys that the webhook injected', { skip: withoutCluster('node') }, async (t) => {
  const installed = await install(t, { 'xds.replicas': '0' })
  const { kubectl, images } = installed
  /** The cluster's mitigations, written from outside: what is enforced does not hang on who wrote it. */
  const api = openKubernetes({ kubeconfig: installed.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  const mitigations = await followMitigations(t, api, OWN_NAMESPACE)
  await kubectl(['create', 'namespace', 'clients'])
  await kubectl(['-n', 'clients', 'wait', '--for=create', 'serviceaccount/default', '--timeout=20s'])
  for (const name of ['attacker', 'friend']) await kubectl(['create', '-f', '-'], client(name, images.tools))
  await kubectl(['-n', 'clients', 'wait', '--for=condition=Ready', 'pod/attacker', 'pod/friend', '--timeout=60s'])
  const { status: { podIP: attackerAddress }, metadata: { uid: attackerUid } } = JSON.parse(await kubectl(['-n', 'clients', 'get', 'pod', 'attacker', '-o', 'json'])) as Pod
  const labels = (level: string) => ({ 'autoshield.dev/injection': 'enabled', 'autoshield.dev/proxy': 'enabled', 'pod-security.kubernetes.io/enforce': level })

  const [shop, vault] = [shopOf(installed, 'shop'), shopOf(installed, 'vault')]
  const victim = await shop.deploy(labels('privileged'))
  const { metadata: { name, uid }, status: { podIP: address } } = victim
  t.match(parseInjectionStatus(victim.metadata.annotations?.['autoshield.dev/status'] ?? ''), { proxy: { mode: 'redirect' }, why: /every TCP connection/ })
  t.equal(await shop.get('attacker', address, 8080), 'served', 'no xDS server is there yet')
  await kubectl(['-n', OWN_NAMESPACE, 'scale', 'deployment/autoshield-xds', '--replicas=2'])
  await kubectl(['-n', OWN_NAMESPACE, 'rollout', 'status', 'deployment/autoshield-xds', '--timeout=120s'])
  const inController = async (...command: string[]): Promise<string> => kubectl(['-n', OWN_NAMESPACE, 'exec', 'deploy/autoshield-controller', '--', ...command])
  // Its exit status tells of proxies that need a look, as some do for a moment.
  const proxies = async (): Promise<readonly Proxy[]> =>
    (await inController('sh', '-c', 'autoshield proxy-status -o json || test $? = 79')).split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Proxy)
  const settled = async (podUid: string, names: readonly string[] = []) =>
    until(`the proxy takes ${names.join() || 'its configuration'}`, async () => (await proxies()).some((proxy) => proxy.podUid === podUid && proxy.standing === 'in-sync' && proxy.connected && proxy.mitigations.join() === names.join()) || undefined, 60_000)
  await settled(uid)
  t.same(mitigations.list(), [], 'its Envoy\'s tries for a server that was not there are no attack')
  await until('connections are redirected', async () => (await shop.log(name)).includes('connections are redirected') || undefined, 30_000)

  const restrict = async (name: string, victimUid: string, victimAddress: string, restriction: Partial<Mitigation['spec']> = {}): Promise<void> => {
    const nowMs = Date.now()
    const mitigation = mitigationOf(name, { ...restriction, subject: { uid: attackerUid, addresses: [attackerAddress] }, victims: [{ uid: victimUid, addresses: [victimAddress] }], expiresAt: new Date(nowMs + 600_000).toISOString() })
    await mitigations.put(name, { ...mitigation, metadata: { ...mitigation.metadata, creationTimestamp: new Date(nowMs).toISOString() } })
  }

  await t.test('its application sees who asks, also by way of a Service, and may ask itself there', async (t) => {
    await kubectl(['-n', 'shop', 'expose', 'deployment', 'victim', '--port=80', '--target-port=8080'])
    const service = (await kubectl(['-n', 'shop', 'get', 'service', 'victim', '-o', 'jsonpath={.spec.clusterIP}'])).trim()
    const passed = async (): Promise<number> => Number(/: (\d+)/.exec(await shop.inProxy(name, 'node', '-e', INBOUND_STATS))?.[1])
    const before = await passed()
    for (const from of ['attacker', 'friend']) {
      const own = (await kubectl(['-n', 'clients', 'get', 'pod', from, '-o', 'jsonpath={.status.podIP}'])).trim()
      for (const host of [`${address}:8080`, service]) t.equal((await kubectl(['-n', 'clients', 'exec', from, '--', 'curl', '-s', '-m', '10', '--retry', '3', '--retry-connrefused', `http://${host}/whoami`])).trim(), own, `${from} at ${host}`)
    }
    t.ok(await passed() >= before + 4, 'by way of Envoy')
    const itself = (await kubectl(['-n', 'shop', 'exec', name, '-c', 'app', '--', 'node', '-e', `fetch('http://${service}/whoami').then(async (answer) => console.log(await answer.text()))`])).trim()
    t.match(itself, /^[0-9.]+$/, 'it reaches itself')
    t.comment(`it sees itself as ${itself}, and has ${address}`)
    t.match((await proxies()).find(({ podUid }) => podUid === uid), { clientAddress: { kind: 'kept', why: '' } })
  })

  await t.test('a mitigation reaches the Envoy of its victim, and nobody else notices', async (t) => {
    const inFriend = async (command: string): Promise<string> => kubectl(['-n', 'clients', 'exec', 'friend', '--', 'sh', '-c', command])
    await inFriend(`curl -sN http://${address}:8080/stream > /tmp/out 2> /dev/null < /dev/null & echo $! > /tmp/pid`)
    const bytes = async (): Promise<number> => Number(await inFriend('wc -c < /tmp/out'))
    const friendGoesOn = async (when: string) => {
      const heard = await bytes()
      await until(`the friend hears more ${when}`, async () => await bytes() > heard || undefined, 10_000)
    }
    await friendGoesOn('before')
    t.equal(await shop.get('attacker', address, 8080), 'served')
    const before = await shop.inProxy(name, 'node', '-e', CONFIG_DUMP)
    t.match(before, /original-destination/)

    await restrict('deny-attacker', uid, address)
    await shop.becomes('attacker', address, 8080, 'refused', 'the denial reached its Envoy')
    await settled(uid, ['deny-attacker'])
    t.equal(await shop.get('friend', address, 8080), 'served')
    await friendGoesOn('during')
    t.match(await shop.inProxy(name, 'node', '-e', CONFIG_DUMP), new RegExp(`source/${attackerAddress}`))
    await until('its log reaches the observer', async () => /^cluster\.access-log\.upstream_cx_active: [1-9]/m.test(await shop.inProxy(name, 'node', '-e', LOG_STATS)) || undefined, 30_000)

    await kubectl(['-n', OWN_NAMESPACE, 'rollout', 'restart', 'deployment/autoshield-controller'])
    await kubectl(['-n', OWN_NAMESPACE, 'rollout', 'status', 'deployment/autoshield-controller', '--timeout=90s'])
    await kubectl(['-n', OWN_NAMESPACE, 'wait', '--for=condition=Programmed', 'mitigation/deny-attacker', '--timeout=60s'])
    t.equal(await shop.get('attacker', address, 8080), 'refused', 'a controller that starts takes up what holds')
    await inController('autoshield', 'mitigations', 'revert', 'deny-attacker', '--reason', 'a test')
    await shop.becomes('attacker', address, 8080, 'served', 'it was undone')
    await friendGoesOn('after')
    const dumped = (text: string): unknown => JSON.parse(text) // maps of protobuf have no order
    t.strictSame(dumped(await shop.inProxy(name, 'node', '-e', CONFIG_DUMP)), dumped(before), 'the proxy\'s configuration is what it was')
  })

  await t.test('a killed Envoy leaves the pod ready and reachable, and comes back', async (t) => {
    await shop.inProxy(name, 'sh', '-c', 'kill -9 $(pidof envoy)')
    t.equal(await shop.get('friend', address, 8080), 'served')
    await until('Envoy is back', async () => (await shop.log(name)).split('connections are redirected').length > 2 || undefined, 30_000)
    t.equal(await shop.get('friend', address, 8080), 'served')
    const pod = await shop.pod(name)
    t.ok(isReady(pod), 'its probes passed all the while')
    t.equal(restarts(pod), 0, 'no container was started again')
  })

  await t.test('where Pod Security is restricted, the proxy stands before the ports that are named', async (t) => {
    const { metadata: { name, uid, annotations = {} }, status: { podIP: address } } = await vault.deploy(labels('restricted'), { 'autoshield.dev/http-ports': '8080' }, HARDENED)
    t.match(parseInjectionStatus(annotations['autoshield.dev/status'] ?? ''), { proxy: { mode: 'explicit' }, why: /18080 before 8080; what comes to the application's own ports/ })
    await settled(uid)
    await vault.becomes('attacker', address, 18_080, 'served', await vault.log(name))
    t.match(annotations['autoshield.dev/status'], /the application sees 127\.0\.0\.1 as its client/)
    const limit = { action: 'limit', limit: { value: 5, unit: 'requests/s', burst: 5 } } as const
    await restrict('limit-at-vault', uid, address, limit)
    await settled(uid, ['limit-at-vault'])
    const guess = async (from: string): Promise<{ readonly served: number, readonly limited: number, readonly seconds: number }> => {
      const startedMs = Date.now()
      const codes = (await kubectl(['-n', 'clients', 'exec', from, '--', 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code}\n', `http://${address}:18080/login?password=[1-300]`])).split('\n')
      const count = (code: string): number => codes.filter((line) => line === code).length
      return { served: count('200'), limited: count('429'), seconds: (Date.now() - startedMs) / 1000 }
    }
    const [attack, friend] = await Promise.all([guess('attacker'), guess('friend')])
    t.match(friend, { served: 300, limited: 0 }, 'the friend keeps its rate')
    t.equal(attack.served + attack.limited, 300)
    t.ok(attack.served >= 5 && attack.served <= limit.limit.burst + limit.limit.value * (attack.seconds + 1), `${attack.served} guesses were served in ${attack.seconds} s`)

    await restrict('deny-at-vault', uid, address)
    await vault.becomes('attacker', address, 18_080, 'refused', 'the denial reached its Envoy')
    t.match(await vault.inProxy(name, 'node', '-e', LOG_STATS), /^cluster\.access-log\.upstream_cx_active: [1-9]/m, 'its log reaches the observer')
    t.equal(await vault.get('friend', address, 18_080), 'served')
    t.equal(await vault.get('attacker', address, 8080), 'served', 'the application\'s own port is not covered, as the status says')
  })

  await t.test('a pod with a proxy ends as soon as it is told to', async (t) => {
    const started = Date.now()
    await kubectl(['-n', 'shop', 'delete', 'deployment', 'victim'])
    await kubectl(['-n', 'shop', 'wait', '--for=delete', `pod/${name}`, '--timeout=60s'])
    t.comment(`after ${Math.round((Date.now() - started) / 1000)} s`)
  })
})
