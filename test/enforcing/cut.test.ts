import t from 'tap'
import { testCluster, withoutCluster } from '../real/cluster/test-cluster.ts'
import { Agents } from './agents.ts'
import { Ends, type Attempt } from './ends.ts'

t.setTimeout(600_000)

const PASSES_WITHIN_MS = 3000

t.test('a policy by selector and port cuts real pods on both nodes, and its removal opens them again', { skip: withoutCluster('enforcing') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'enforcing' })
  const { kubectl, namespace, enforcing } = cluster
  const shop = await namespace()
  const agents = new Agents(enforcing.nodes)
  const pod = (name: string, node: string): { namespace: string, name: string, node: string, labels: { app: string } } => ({ namespace: shop, name, node, labels: { app: name } })
  const ends = await Ends.start(t, cluster, { pods: [pod('db', 'node-1'), pod('web', 'node-1'), pod('far', 'node-2')], machines: [enforcing.outside], ports: [5432, 8080] })
  const [db = '', web = '', far = ''] = ends.pods.map(({ addresses }) => addresses[0])
  const [outside = ''] = enforcing.outside.addresses
  const attempts = [web, far, outside].flatMap((source) => [5432, 8080].flatMap((port) => (['TCP', 'UDP'] as const).map((protocol): Attempt => ({ source, destination: db, protocol, port }))))
  const named = new Map([[web, 'web'], [far, 'far'], [outside, 'outside']])
  const passing = async (): Promise<string[]> => {
    const reached = await ends.try(attempts, PASSES_WITHIN_MS)
    return attempts.flatMap(({ source, protocol, port }, at) => reached[at] === true ? [`${named.get(source) ?? ''} ${protocol} ${port}`] : [])
  }
  const everything = ['web', 'far', 'outside'].flatMap((source) => [5432, 8080].flatMap((port) => ['TCP', 'UDP'].map((protocol) => `${source} ${protocol} ${port}`)))

  t.strictSame(await passing(), everything, 'without a policy everything passes')
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'db', namespace: shop },
    spec: { podSelector: { matchLabels: { app: 'db' } }, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: { matchLabels: { app: 'far' } } }], ports: [{ protocol: 'TCP', port: 5432 }] }] },
  }
  const uid = await kubectl(['create', '-f', '-', '-o', 'jsonpath={.metadata.uid}'], { stdin: JSON.stringify(policy) })
  await agents.inForce(new Set([uid]), ends.pods)
  t.strictSame(await passing(), ['far TCP 5432'], 'with it only what it lists')
  await kubectl(['-n', shop, 'delete', 'networkpolicy', 'db'])
  await agents.inForce(new Set(), ends.pods)
  t.strictSame(await passing(), everything, 'and without it everything again')
})
