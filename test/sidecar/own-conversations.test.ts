import { once } from 'node:events'
import t from 'tap'
import { OwnConversations } from '../../sidecar/own-conversations.ts'
import { withoutOwn } from '../../sidecar/own-traffic.ts'

const called = [{ host: 'detector.test', port: 18_001 }, { host: '10.0.0.2', port: 18_002 }]

t.test('a name that is resolved later outdates what was opened without it, and is tried again soon', async (t) => {
  const abort = new AbortController()
  const names = new Map<string, string[]>()
  const own = new OwnConversations({ called, listens: [], resolve: async (host) => names.get(host) ?? [], retryMs: 1, everyMs: 3_600_000 })
  const { traffic, outdated } = await own.now()
  t.same(traffic.called, [{ address: '10.0.0.2', port: 18_002 }])
  const following = own.follow(abort.signal)
  names.set('detector.test', ['10.0.0.9'])
  await once(outdated, 'abort')
  const next = await own.now()
  t.match(withoutOwn(next.traffic), /dst host 10\.0\.0\.9 and tcp dst port 18001/)
  t.equal(next.outdated.aborted, false)
  abort.abort()
  await following
})

t.test('another order, and a name server that is away, change nothing; another address does', async (t) => {
  let answer = ['10.0.0.9', 'fd00:0::8']
  const own = new OwnConversations({ called, listens: [], resolve: async () => answer })
  const { traffic, outdated } = await own.now()
  for (answer of [['fd00::8', '10.0.0.9'], []]) await own.now()
  t.equal(outdated.aborted, false)
  t.match(traffic.called, [{ address: '10.0.0.9' }, { address: 'fd00::8' }, { address: '10.0.0.2' }])
  answer = ['10.0.0.7']
  const next = await own.now()
  t.equal(outdated.aborted, true)
  t.match(next.traffic.called, [{ address: '10.0.0.7' }, { address: '10.0.0.2' }])
})
