import t from 'tap'
import { autoshield } from '../program.ts'
import { withoutCluster } from './cluster/test-cluster.ts'
import { follows, inOrder, leads, twoControllers } from './two-controllers.ts'

t.setTimeout(300_000)

t.test('a controller that is killed is replaced by one that has all it had', { skip: withoutCluster('api') }, async (t) => {
  const { kubectl, replicas } = await twoControllers(t.testdir(), (end) => t.teardown(end), (line) => { t.comment(`cluster: ${line}`) })
  const [first, second] = await inOrder(replicas)
  await follows(second)
  await kubectl(['wait', `pod/${first.pod}`, '--for=jsonpath={.metadata.labels.autoshield\\.dev/leader}=true', '--timeout=30s'])

  t.match(await autoshield(['panic', '--reason', 'a drill', '--api', first.api]), { status: 0 })
  first.running.kill('SIGKILL')
  await first.running.ended
  await leads(second)

  const search = JSON.parse((await autoshield(['audit', 'search', '--data', second.data, '--action', 'panic.begun', '-o', 'json'])).stdout) as { detail: unknown }
  t.match(search, { actor: /./, reason: 'Halted', detail: { reason: 'a drill' } }, 'what the dead one acknowledged last is in the trail of its successor')
  t.match(await autoshield(['audit', 'verify', '--data', second.data]), { status: 0 }, 'which is one chain')
  t.match(await autoshield(['panic', '--end', '--reason', 'the drill is over', '--api', second.api]), { status: 0 }, 'and the kill switch is still pulled')
  t.match(await kubectl(['get', 'pods', '-l', 'autoshield.dev/leader', '-o', 'name']), new RegExp(`^pod/${second.pod}$`, 'm'), 'the Service finds it, and it alone')
  t.notMatch(await kubectl(['get', 'pods', '-l', 'autoshield.dev/leader', '-o', 'name']), first.pod)

  first.start()
  await follows(first)
  second.running.kill('SIGTERM')
  t.strictSame(await second.running.ended, [0, null])
  await leads(first)
  t.match((await autoshield(['audit', 'search', '--data', first.data, '--action', 'panic.ended', '-o', 'json'])).stdout, /the drill is over/, 'one that comes back follows, and leads again when the other leaves')
  t.match(await autoshield(['audit', 'verify', '--data', first.data]), { status: 0 })
})
