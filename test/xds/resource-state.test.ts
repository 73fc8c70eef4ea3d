import t from 'tap'
import { statesOf } from '../../xds/resource-state.ts'
import { Interest } from '../../xds/interest.ts'
import { Ledger } from '../../xds/ledger.ts'
import type { Resource, TypeResources } from '../../xds/snapshot.ts'

const resource = (text: string): Resource => ({ name: text.slice(0, 1), version: text.slice(1), body: { $typeName: 'google.protobuf.Any', typeUrl: 'x', value: new Uint8Array() } })
const world = (...texts: readonly string[]): TypeResources => ({ version: texts.join(), resources: new Map(texts.map((text) => [text.slice(0, 1), resource(text)])) })

function client (names: readonly string[]) {
  const [ledger, interest] = [new Ledger(), new Interest()]
  interest.replace(names)
  let nonce = 0
  const send = (...texts: readonly string[]) => ledger.send(String(++nonce), texts.map(resource), [])
  const answer = (error: string | null) => ledger.answer(String(nonce), error)
  const show = (...texts: readonly string[]) => statesOf(ledger, interest, world(...texts)).map(({ name, version, body, status, client, words }) => `${name}${version} ${status} ${client}${body === null ? '' : ' with'}${words === '' ? '' : `: ${words}`}`)
  return { send, answer, show }
}

t.test('from not sent to taken, and on to the next version', (t) => {
  const { send, answer, show } = client([])
  t.strictSame(show('a1'), ['a not-sent requested'])
  send('a1')
  t.strictSame(show('a1'), ['a1 stale requested with'])
  answer(null)
  t.strictSame(show('a1'), ['a1 synced acked with'])
  t.strictSame(show('a2'), ['a1 stale acked'], 'there is a newer one, and the body of the old one is not kept')
  send('a2')
  t.strictSame(show('a2'), ['a2 stale acked with'])
  t.end()
})

t.test('a refusal stays until it is replaced, also while there is a newer version that was not sent', (t) => {
  const { send, answer, show } = client([])
  send('a1', 'b1')
  answer('a: no')
  t.strictSame(show('a1', 'b1'), ['a1 refused nacked with: a: no', 'b1 synced acked with'])
  t.strictSame(show('a2', 'b1'), ['a1 refused nacked: a: no', 'b1 synced acked with'])
  send('a2')
  answer(null)
  t.strictSame(show('a2', 'b1'), ['a2 synced acked with', 'b1 synced acked with'])
  t.end()
})

t.test('what is gone and still at the client, and what is asked for and never was', (t) => {
  const { send, answer, show } = client(['a', 'x'])
  send('a1')
  answer(null)
  t.strictSame(show('b1'), ['a1 stale acked', 'x not-sent does-not-exist'], 'what is not asked for is not told')
  t.end()
})
