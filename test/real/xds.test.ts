import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer as createHttpServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { writeCredentials } from '../../certs/credential-folder.ts'
import { followRefusals } from '../../src/adapters/bus/follow-refusals.ts'
import { GrpcProxyFleet } from '../../src/adapters/bus/grpc-proxy-fleet.ts'
import { KubernetesMitigations } from '../../src/adapters/kubernetes/mitigations.ts'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { openAuditTrail } from '../../src/adapters/store/audit-trail.ts'
import { ClientRefusals } from '../../src/controller/client-refusals.ts'
import type { Credentials } from '../../src/core/identity.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import { ANNOTATIONS, PROXY_CONTAINER } from '../../src/core/injection/names.ts'
import type { InjectionStatus } from '../../src/core/injection/status.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { fixedCredentials } from '../../src/wire/held-credentials.ts'
import { connect } from '../../src/wire/tls.ts'
import { LISTENER } from '../../xds/resource-type.ts'
import { identityOf, Root, TRUST_DOMAIN } from '../certs/samples.ts'
import { skipWithout } from '../setup/tools.ts'
import { DeltaClient } from '../xds/delta-client.ts'
import { mitigationOf } from '../xds/mitigation-of.ts'
import { envoyTool, RealEnvoy, until } from '../xds/real-envoy.ts'
import { testCluster, type TestCluster, withoutCluster } from './cluster/test-cluster.ts'
import { directory, Replica, service } from './xds-replica.ts'

t.setTimeout(300_000)

const CRD = new URL('../../deploy/chart/crds/mitigations.yaml', import.meta.url)
const [ATTACKER, CLIENT] = ['127.0.0.66', '127.0.0.10']
/** The proxy's own port before the application's. */
const LISTEN = 18_080

/** What one request gets. */
async function visit (address: string, from: string): Promise<string> {
  try {
    const call = get({ host: address, port: LISTEN, path: '/', localAddress: from, agent: false })
    const [response] = await once(call, 'response') as [NodeJS.ReadableStream]
    return await text(response)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** A client that asks each pod without end, one request after the other; every answer that is not `served` is kept. */
function load (t: Test, addresses: readonly string[]) {
  const stopping = new AbortController()
  const done = { requests: 0, failures: [] as string[] }
  const running = Promise.all(addresses.map(async (address) => {
    while (!stopping.signal.aborted) {
      const got = await visit(address, CLIENT)
      done.requests++
      if (got !== 'served') done.failures.push(`${address}: ${got}`)
    }
  }))
  const stop = async (): Promise<typeof done> => {
    stopping.abort()
    await running
    return done
  }
  t.teardown(stop)
  return { done, stop }
}

/** A pod as the API server has it when its Envoy was injected in front of `application`, or none; its address is one of loopback's, and no kubelet gives it another. */
async function createPod ({ kubectl }: TestCluster, namespace: string, name: string, address: string, application: number | null): Promise<string> {
  const status: InjectionStatus = {
    revision: 'default',
    template: 'x',
    source: 'sockdiag',
    level: 'restricted',
    form: 'native',
    why: 'test',
    containers: [PROXY_CONTAINER],
    volumes: [],
    proxy: { mode: 'explicit', inboundPort: 15_006, outboundPort: null, httpPorts: [], explicitPorts: application === null ? [] : [{ listen: LISTEN, application }] },
  }
  const injected = application === null ? {} : { annotations: { [ANNOTATIONS.status]: JSON.stringify(status) } }
  await kubectl(['-n', namespace, 'create', '-f', '-'], {
    stdin: JSON.stringify({
      apiVersion: 'v1', kind: 'Pod', metadata: { name, ...injected }, spec: { schedulerName: 'nobody', containers: [{ name: application === null ? 'app' : PROXY_CONTAINER, image: 'none' }] },
    }),
  })
  await kubectl(['-n', namespace, 'patch', 'pod', name, '--subresource=status', '--type=merge', '--patch', JSON.stringify({ status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }] } })])
  return kubectl(['-n', namespace, 'get', 'pod', name, '-o', 'jsonpath={.metadata.uid}'])
}

function whileUnavailable (error: unknown): undefined {
  if (AutoshieldError.from(error).code !== 'UNAVAILABLE') throw error
}

t.test('two xDS servers of a cluster', { skip: skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing]) || withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const { kubeconfig, kubectl } = cluster
  const api = openKubernetes({ kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  await api.apply(RESOURCES.customResourceDefinitions, parse(await readFile(CRD, 'utf8')), { force: true })
  await kubectl(['wait', '--for=condition=Established', 'crd/mitigations.autoshield.dev'])
  const namespace = await cluster.namespace()
  await kubectl(['-n', namespace, 'wait', '--for=create', 'serviceaccount/default', '--timeout=20s'])
  const application = createHttpServer((_request, answer) => answer.end('served')).listen(0, '127.0.0.1')
  await once(application, 'listening')
  t.teardown(() => application.close())

  const root = new Root()
  const identity = t.testdir()
  await writeCredentials(identity, root.authority.issueWithKey({ identity: { ...identityOf('xds'), namespace }, dns: ['xds.test'], ip: ['127.0.0.1'] }, Date.now()))
  const args = ['--kubeconfig', kubeconfig, '--namespace', namespace, '--trust-domain', TRUST_DOMAIN, '--identity', identity]
  const replicas = [await Replica.start(t, args), await Replica.start(t, args)] as const
  const [one, other] = replicas

  const addresses = ['127.0.1.1', '127.0.1.2', '127.0.1.3']
  const uids = await Promise.all(addresses.map(async (address, index) => createPod(cluster, namespace, `victim-${index}`, address, (application.address() as AddressInfo).port)))
  const attacker = await createPod(cluster, namespace, 'attacker', ATTACKER, null)
  const xds = { host: '127.0.0.1', port: await service(t, replicas), name: 'xds.test' }
  const envoys = await Promise.all(uids.map(async (podUid) => RealEnvoy.start({ podUid, xds, credentials: root.issue(podUid) })))
  t.teardown(async () => { await Promise.all(envoys.map(async (envoy) => envoy[Symbol.asyncDispose]())) })
  const dumps = async (): Promise<readonly unknown[]> => Promise.all(envoys.map(async (envoy) => JSON.parse(await envoy.admin('/config_dump')) as unknown)) // with the time of each update

  const mitigations = new KubernetesMitigations(api, { namespace })
  const stopping = new AbortController()
  const credentials = fixedCredentials(root.authority.issueWithKey({ identity: { ...identityOf('controller'), namespace } }, Date.now()))
  /** As the controller sees them, through these servers. */
  const view = (...servers: readonly Replica[]) => {
    const fleet = new GrpcProxyFleet({
      servers: directory(servers),
      credentials,
      server: { ...identityOf('xds'), namespace },
      random: Math.random,
    })
    return { fleet, ran: fleet.run(stopping.signal) }
  }
  const views = [view(...replicas), view(one), view(other)] as const
  const [all, ofOne, ofOther] = views
  const running = Promise.all([mitigations.run(stopping.signal), ...views.map(async ({ ran }) => ran)])
  t.teardown(async () => {
    stopping.abort()
    await running
  })
  await mitigations.synced
  const standing = ({ fleet }: typeof all) => uids.map((uid) => fleet.statuses().find(({ podUid }) => podUid === uid))
  const settled = async (what: string, names: readonly string[]) => until(() => `${what}: ${JSON.stringify(standing(all))}\n${envoys[0]?.stderr ?? ''}`,
    () => standing(all).every((status) => status?.connected === true && status.state === 'in-sync' && status.mitigations.join() === names.join()) || undefined, 120_000)
  const deny = async (name: string): Promise<void> => {
    const mitigation = mitigationOf(name, { victims: uids.map((uid, index) => ({ uid, addresses: [addresses[index] ?? ''] })), subject: { uid: attacker, addresses: [ATTACKER] }, expiresAt: new Date(Date.now() + 600_000).toISOString() })
    await mitigations.put(name, { ...mitigation, metadata: { ...mitigation.metadata, creationTimestamp: new Date().toISOString() } })
  }

  const becomes = async (address: string, from: string, wanted: RegExp, why: string) => until(
    async () => `${from} at ${address}: ${why}, not ${await visit(address, from)}; ${JSON.stringify(standing(all))}; ${await envoys[addresses.indexOf(address)]?.admin('/listeners') ?? ''}\n${envoys[addresses.indexOf(address)]?.stderr ?? ''}`,
    async () => wanted.test(await visit(address, from)) || undefined, 60_000)

  await settled('all have their first configuration', [])
  for (const address of addresses) await becomes(address, CLIENT, /^served$/, 'it is served')
  const { done, stop } = load(t, addresses)

  await t.test('whom they refuse is in the audit trail, with who and why', async (t) => {
    await using audit = openAuditTrail(t.testdir(), { clock: { now: Date.now } })
    const refusals = new ClientRefusals(audit)
    const following = new AbortController()
    const followed = followRefusals({ servers: directory(replicas), credentials, server: { ...identityOf('xds'), namespace }, random: Math.random, take: async (...told) => refusals.take(...told) }, following.signal)
    const intrude = async ({ address }: Replica, shown: Credentials): Promise<void> => {
      using client = new DeltaClient(connect(address, { ...shown, authorities: root.authority.bundle }, { server: { ...identityOf('xds'), namespace } }))
      client.send({ typeUrl: LISTENER, node: { id: uids[0] ?? '' } })
      await client.ended
    }
    await intrude(one, new Root().issue(uids[0] ?? ''))
    await intrude(other, root.authority.issueWithKey({ identity: { ...identityOf('detector'), namespace } }, Date.now()))
    const told = async (reason: string) => until(`${reason} is in the trail`, () => audit.search({ action: 'xds.refused' }).find((entry) => entry.reason === reason))
    t.match(await told('UnknownAuthority'), { actor: 'address/127.0.0.1', detail: { count: 1 } })
    t.match(await told('NotAPod'), { actor: `spiffe://${TRUST_DOMAIN}/ns/${namespace}/pod/detector`, detail: { peer: '127.0.0.1', words: /detector/ } })
    following.abort()
    await followed
  })

  await t.test('one is killed: the proxies keep what they have, and go to the other', async (t) => {
    const before = await dumps()
    t.equal(await one.end(), null)
    await settled('the other has them all', [])
    t.strictSame(await dumps(), before, 'nothing was even updated')
    await until('they are connected to the other', () => standing(ofOther).every((status) => status?.connected === true) || undefined)
  })

  await t.test('what begins while one is dead reaches all', async (t) => {
    await deny('deny')
    for (const address of addresses) await becomes(address, ATTACKER, /socket hang up|ECONNRESET/, 'it is denied')
    await settled('all have taken it', ['deny'])
  })

  await t.test('both are killed: what holds goes on to hold, and when they are back nothing is sent', async (t) => {
    const before = await dumps()
    await other.end()
    await until('nobody is heard', () => standing(all).every((status) => status?.connected === false) || undefined)
    t.strictSame(standing(all).map((status) => status?.mitigations), uids.map(() => ['deny']), 'the controller remembers')
    for (const address of addresses) t.not(await visit(address, ATTACKER), 'served')
    for (const replica of replicas) replica.restart()
    await Promise.all(replicas.map(async (replica) => replica.serving()))
    await settled('all are in sync again', ['deny'])
    t.equal(await one.metric('autoshield_xds_pushes_total') + await other.metric('autoshield_xds_pushes_total'), 0, 'no push')
    t.equal(await one.metric('autoshield_xds_streams') + await other.metric('autoshield_xds_streams'), 3)
    t.strictSame(await dumps(), before, 'nothing was even updated')
  })

  await t.test('both come to the same of the same objects', async (t) => {
    const versions = async ({ fleet }: typeof all) => until('it is heard again', async () => Promise.all(uids.map(async (uid) => fleet.snapshot(uid))).catch(whileUnavailable))
    const [of1, of2] = [await versions(ofOne), await versions(ofOther)]
    t.match(of1, uids.map(() => ({ version: /^[0-9a-f]{16}$/, resources: { listeners: [{}] } })))
    t.strictSame(of1, of2)
    t.strictSame(standing(all).map((status) => status?.version), of1.map((snapshot) => snapshot?.version))
  })

  await t.test('told to stop, one ends in good order; what is undone meanwhile is undone at all', async (t) => {
    const mitigation = mitigations.get('deny')
    if (mitigation === null) throw new Error('there is no mitigation')
    const streams = async (replica: Replica): Promise<number> => replica.metric('autoshield_xds_streams')
    const [stopped, left] = await streams(one) > await streams(other) ? [one, other] : [other, one]
    t.ok(await streams(stopped) >= 2, 'it serves some')
    const broken = async (): Promise<readonly number[]> => Promise.all(envoys.map(async (envoy) => envoy.stat('cluster.autoshield-xds.upstream_cx_destroy_remote_with_active_rq')))
    const before = await broken()
    t.equal(await stopped.end('SIGTERM'), 0)
    await mitigations.put('deny', { ...mitigation, status: { ...mitigation.status, phase: 'reverted', endedAt: new Date().toISOString() } })
    for (const address of addresses) await becomes(address, ATTACKER, /^served$/, 'it was undone')
    await settled('all have given it up', [])
    t.equal(await streams(left), 3, 'the other serves all')
    t.strictSame(await broken(), before, 'no stream was broken off')
    stopped.restart()
    await stopped.serving()
  })

  const { requests, failures } = await stop()
  t.strictSame(failures, [], `none of ${requests} requests failed`)
  t.ok(done.requests > 100, `${requests} requests`)
})
