import t, { type Test } from 'tap'
import { LeaseHolder, type Leader } from '../../../src/adapters/kubernetes/lease-holder.ts'
import { openKubernetes } from '../../../src/adapters/kubernetes/open-kubernetes.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../../src/ports/kubernetes.ts'
import { wait } from '../../../src/wire/wait.ts'
import { testCluster, withoutCluster } from '../../real/cluster/test-cluster.ts'

const ELECTION = { durationMs: 1_000, renewMs: 700, retryMs: 50, staleMs: 2_000 }

interface Hands {
  readonly api: KubernetesApi
  readonly own: string
  readonly hand: (replica: string, api?: KubernetesApi) => LeaseHolder
}

async function hands (t: Test): Promise<Hands> {
  const { kubeconfig, namespace } = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  const own = await namespace()
  return {
    api,
    own,
    hand: (replica, over = api) => new LeaseHolder({
      api: over, namespace: own, name: 'controller', replica, address: `${replica}:8445`, clock: { now: Date.now }, monotonic: () => performance.now(), wait, election: ELECTION,
    }),
  }
}

const forever = (): AbortSignal => new AbortController().signal
const quietly = (): undefined => undefined

t.test('one of two leads, and the other only when it is dead', { skip: withoutCluster('api') }, async (t) => {
  const { hand } = await hands(t)
  const [first, second] = [hand('a'), hand('b')]
  t.match(await first.acquire(forever(), quietly), { missing: 'nothing', record: { transitions: 0, inSync: ['a'] } })
  const stop = new AbortController()
  const holding = first.hold(stop.signal)
  await first.setInSync(['a', 'b'])
  const told: (Leader | null)[] = []
  let won = false
  const other = second.acquire(forever(), (leader) => told.push(leader)).then((result) => { won = true; return result })
  await wait(ELECTION.durationMs * 2, forever())
  t.equal(won, false, 'a leader that renews keeps it for longer than one duration')
  stop.abort()
  await holding
  t.match(await other, { missing: 'nothing', record: { transitions: 1, inSync: ['b'] } })
  t.strictSame(told[0], { replica: 'a', address: 'a:8445' }, 'who follows is told where')
  await t.rejects(first.setInSync(['a']), { code: 'CONFLICT' }, 'the one before cannot speak for the lease any more')
  await t.rejects(first.hold(forever()), { code: 'CONFLICT', message: /held by b/ })
})

t.test('a leader that lays it down is followed at once, by one that has all it had', { skip: withoutCluster('api') }, async (t) => {
  const { hand } = await hands(t)
  const [first, second, third] = [hand('a'), hand('b'), hand('c')]
  await first.acquire(forever(), quietly)
  await first.setInSync(['a', 'b'])
  await first.release()
  t.match(await second.acquire(forever(), quietly), { missing: 'nothing' })
  await second.release()
  t.match(await third.acquire(forever(), quietly), { missing: 'unknown' }, 'where that one does not come back, another leads in the end and knows that it may miss something')
})

t.test('a leader that the API server does not answer stops before another begins', { skip: withoutCluster('api') }, async (t) => {
  const { api, hand } = await hands(t)
  let isAway = false
  const silent: KubernetesApi = {
    ...bound(api),
    replace: async (...args) => isAway ? new Promise<never>(() => undefined) : api.replace(...args),
  }
  const first = hand('a', silent)
  await first.acquire(forever(), quietly)
  isAway = true
  await t.rejects(first.hold(forever()), { code: 'UNAVAILABLE', message: /another replica may lead/ })
})

function bound (api: KubernetesApi): KubernetesApi {
  return {
    get: api.get.bind(api), list: api.list.bind(api), create: api.create.bind(api), replace: api.replace.bind(api), apply: api.apply.bind(api), remove: api.remove.bind(api), watch: api.watch.bind(api), text: api.text.bind(api),
  }
}

t.test('what else is written on the lease is left there', { skip: withoutCluster('api') }, async (t) => {
  const { api, own, hand } = await hands(t)
  const first = hand('a')
  await first.acquire(forever(), quietly)
  const lease = await api.get(RESOURCES.leases, 'controller', own)
  if (lease === null) throw new Error('there is no lease')
  await api.replace(RESOURCES.leases, { ...lease, metadata: { ...lease.metadata, labels: { owner: 'a-person' } } })
  await first.setInSync(['a', 'b'])
  const after = await api.get(RESOURCES.leases, 'controller', own)
  t.match(after, { metadata: { labels: { owner: 'a-person' }, annotations: { 'autoshield.dev/in-sync': 'a,b' } }, spec: { holderIdentity: 'a', leaseDurationSeconds: 1 } })
})
