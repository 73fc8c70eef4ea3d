import t from 'tap'
import { autoshield } from '../program.ts'
import { deadCluster } from './dead-cluster.ts'

t.test('uninstall does nothing without saying what is removed', async (t) => {
  const { status, stderr } = await autoshield(['uninstall', '--kubeconfig', '/nowhere'])
  t.equal(status, 64)
  t.match(stderr, '--webhooks-only')
})

t.test('where the cluster does not answer, uninstall names what was not done and fails', async (t) => {
  const { status, stderr, stdout } = await autoshield(['uninstall', '--webhooks-only', '--kubeconfig', await deadCluster(t)])
  t.equal(status, 1)
  t.match(stderr, /Could not list mutatingwebhookconfigurations: .*cannot be reached/)
  t.match(stderr, 'not everything was done')
  t.equal(stdout, '', 'and claims nothing')
})
