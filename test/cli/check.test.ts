import t from 'tap'
import { autoshield } from '../program.ts'
import { deadCluster } from './dead-cluster.ts'

t.test('where the cluster does not answer, check fails with one line', async (t) => {
  const { status, stderr, stdout } = await autoshield(['check', '--pre', '--kubeconfig', await deadCluster(t)])
  t.equal(status, 1)
  t.match(stderr, /^autoshield: https:\/\/127\.0\.0\.1:\d+ cannot be reached/)
  t.equal(stderr.trim().split('\n').length, 1)
  t.equal(stdout, '')
})
