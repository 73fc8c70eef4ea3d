import t from 'tap'
import { testCluster, withoutCluster } from './test-cluster.ts'

t.test('a namespace that enforces restricted Pod Security refuses a privileged pod', { skip: withoutCluster('api') }, async (t) => {
  const { kubectl, namespace } = await testCluster(t, { needs: 'api' })
  const name = await namespace({ 'pod-security.kubernetes.io/enforce': 'restricted' })
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'privileged', namespace: name }, spec: { containers: [{ name: 'c', image: 'any.test/any:1', securityContext: { privileged: true } }] } }
  await t.rejects(kubectl(['create', '-f', '-'], { stdin: JSON.stringify(pod) }), /violates PodSecurity "restricted:latest": privileged/)
})
