import t from 'tap'
import { Broadcast } from '../../src/controller/broadcast.ts'

t.test('everybody hears everything; a slow one loses its oldest, counted, and holds nobody up', async (t) => {
  const broadcast = new Broadcast<number>(3)
  const stop = new AbortController()
  const slow = broadcast.subscribe(stop.signal)
  const fast = broadcast.subscribe(stop.signal)[Symbol.asyncIterator]()
  const heard: number[] = []
  for (let value = 0; value < 5; value++) {
    broadcast.publish(value)
    const next = await fast.next()
    if (next.done !== true) heard.push(next.value)
  }
  t.strictSame(heard, [0, 1, 2, 3, 4])
  t.equal(broadcast.dropped, 2)
  const late: number[] = []
  for await (const value of slow) {
    late.push(value)
    if (late.length === 3) stop.abort()
  }
  t.strictSame(late, [2, 3, 4])
  broadcast.publish(5)
  t.equal(broadcast.dropped, 2, 'who has gone loses nothing more')
})

t.test('a reader that waits is woken by a value, and ended by its signal', async (t) => {
  const broadcast = new Broadcast<string>(3)
  const stop = new AbortController()
  const reader = broadcast.subscribe(stop.signal)[Symbol.asyncIterator]()
  const first = reader.next()
  broadcast.publish('a')
  t.strictSame(await first, { value: 'a', done: false })
  const last = reader.next()
  stop.abort()
  t.equal((await last).done, true)
})
