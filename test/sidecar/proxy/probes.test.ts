import { createServer } from 'node:http'
import t from 'tap'
import { until } from '../../xds/real-envoy.ts'
import { grpcHealth, nodeProbes, type Probe } from './probes.ts'
import { shieldedPod, skipShielded } from './shielded-pod.ts'

t.setTimeout(240_000)

const [HTTP, GRPC, TCP, CLOSED] = [8080, 8081, 8082, 9000]
/** A kubelet that asks every second, its shortest period, needs so long to call three probes in a row failed. */
const THREE_PROBES_MS = 2_000

t.test('a node\'s probes find what they would find without a proxy', { skip: skipShielded() }, async (t) => {
  const { lab, victim, scanner, sockets, xds, serveXds, hold, restriction, stat, killEnvoy, said } = await shieldedPod(t, { httpPorts: [HTTP, GRPC] })
  const server = createServer((call, answer) => { answer.writeHead(call.url === '/healthz' ? 200 : 404).end() }).listen(await sockets.victim.listen(HTTP))
  t.teardown(() => server.closeAllConnections())
  const health = await grpcHealth(sockets.victim, GRPC)
  t.teardown(() => health[Symbol.dispose]())
  await sockets.victim.listen(TCP)
  const node = nodeProbes(lab, victim)
  t.teardown(() => node[Symbol.asyncDispose]())
  const probes: readonly (readonly [string, Probe])[] = [['HTTP', node.http(HTTP)], ['TCP', node.tcp(TCP)], ['gRPC', node.grpc(GRPC)]]
  const well = async (when: string): Promise<void> => { for (const [name, probe] of probes) t.equal(await probe(), true, `${name} ${when}`) }

  const passed = (): Promise<number> => stat('listener.inbound.downstream_cx_total')
  const before = await passed()
  await well('by way of Envoy')
  await until('each has passed Envoy', async () => await passed() === before + probes.length || undefined)
  t.equal(await node.tcp(CLOSED)(), false, 'a port that nobody listens on is closed')
  t.equal(await node.http(CLOSED)(), false)

  await hold(restriction('scanner', [scanner.address]))
  await well('while another pod is denied')

  killEnvoy()
  const found: { name: string, ok: boolean, atMs: number }[] = []
  const back = said('connections are redirected', 2).then(() => true)
  while (!await Promise.race([back, Promise.resolve(false)])) for (const [name, probe] of probes) found.push({ name, ok: await probe(), atMs: performance.now() })
  const failed = found.filter(({ ok }) => !ok)
  const longestMs = failed.length === 0 ? 0 : (failed.at(-1)?.atMs ?? 0) - (failed[0]?.atMs ?? 0)
  t.comment(`of ${found.length} probes while Envoy was dead and came back ${failed.length} failed, within ${longestMs.toFixed()} ms`)
  t.ok(longestMs < THREE_PROBES_MS, 'no kubelet would call the pod unwell')
  await well('with Envoy back')

  await xds.stop()
  killEnvoy()
  await said('Envoy has ended by SIGKILL', 2)
  for (const [name, probe] of probes) await until(`${name} while no Envoy has a configuration`, async () => await probe() || undefined)
  await serveXds()
  await said('connections are redirected', 3)
  await well('at last')
})
