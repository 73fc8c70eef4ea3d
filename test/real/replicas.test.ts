import { readFileSync } from 'node:fs'
import t from 'tap'
import { until } from '../xds/real-envoy.ts'
import { attributesOf } from './audited-rights.ts'
import { withoutCluster } from './cluster/test-cluster.ts'
import { install, OWN_NAMESPACE } from './installed.ts'

t.setTimeout(600_000)

t.test('two controllers as pods: the one that leads is gone, and the other goes on with all of it', { skip: withoutCluster('node') }, async (t) => {
  const { kubectl, cli, images, auditLog } = await install(t, { 'controller.replicas': '2', 'controller.leaseSeconds': '10' })
  const own = async (...args: string[]): Promise<string> => kubectl(['-n', OWN_NAMESPACE, ...args])
  await own('rollout', 'status', 'statefulset/autoshield-controller', '--timeout=120s')
  const leader = async (): Promise<string> => until('a pod that leads', async () => /^pod\/(\S+)$/m.exec(await own('get', 'pods', '-l', 'autoshield.dev/leader', '-o', 'name'))?.[1], 30_000)
  const first = await leader()
  const other = first.endsWith('-0') ? 'autoshield-controller-1' : 'autoshield-controller-0'
  await until('a follower in sync', async () => (await own('get', 'lease', 'autoshield-controller', '-o', 'jsonpath={.metadata.annotations.autoshield\\.dev/in-sync}')).includes(other) || undefined, 60_000)

  await kubectl(['create', 'namespace', 'shop'])
  await kubectl(['label', 'namespace', 'shop', 'autoshield.dev/injection=enabled'])
  await kubectl(['-n', 'shop', 'wait', '--for=create', 'serviceaccount/default', '--timeout=20s'])
  const pod = (name: string): string => JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'app', image: images.busybox, command: ['sleep', '3600'] }] } })
  const injected = async (name: string): Promise<unknown> => until(`an observer in ${name}`, async () => (await cli('coverage', '--namespace', 'shop', '--all', '-o', 'json')).stdout.split('\n').find((line) => line.includes(`"${name}"`) && line.includes('reports')), 90_000)
  await kubectl(['-n', 'shop', 'create', '-f', '-'], pod('before'))
  await injected('before')

  // Gone with its pod and its folder: a container that merely crashes is back before its lease ends, and leads on.
  await own('delete', 'pod', first, '--grace-period=0', '--force')
  await until('the other leads', async () => await leader() === other || undefined, 60_000)
  await kubectl(['-n', 'shop', 'create', '-f', '-'], pod('after'))
  await injected('after') // its certificate and its report are the new leader's work
  const trail = async (...args: string[]): Promise<string> => own('exec', other, '--', 'autoshield', 'audit', ...args, '--data', '/var/lib/autoshield')
  const issued = await until('both certificates in the trail', async () => {
    const found = await trail('search', '--action', 'certificate.issued', '-o', 'json')
    return found.includes('pod/shop/before') && found.includes('pod/shop/after') ? found : undefined
  }, 30_000)
  t.match(issued, /pod\/shop\/before/)
  t.match(await trail('verify'), /./, 'the trail of both is one chain')
  t.match(await trail('search', '--action', 'leadership.taken', '-o', 'json'), /LeaseTaken"/)
  await own('wait', `pod/${first}`, '--for=condition=Ready', '--timeout=90s')
  const refused = readFileSync(auditLog, 'utf8').trim().split('\n').flatMap((line) => attributesOf(line, OWN_NAMESPACE)).filter(({ refused: no }) => no)
  t.strictSame(refused, [], 'nothing that they asked of the API server was refused')
})
