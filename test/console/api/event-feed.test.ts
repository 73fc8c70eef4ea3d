import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import t from 'tap'
import { EventFeed, FEED_LIMITS, type FeedLimits } from '../../../src/console/api/event-feed.ts'
import type { LoopEvent } from '../../../src/ports/loop.ts'
import { guessing, traffic } from '../scenes.ts'
import { ask, stage } from '../stage.ts'

const limits = (more: Partial<FeedLimits>): FeedLimits => ({ ...FEED_LIMITS, ...more })
const detection = (index: number): LoopEvent => ({ type: 'detection', detection: guessing(0, { id: `d${index}` }) })

interface Frame { readonly event: string, readonly id: string, readonly data: string }

const frames = (text: string): Frame[] => text.split('\n\n').filter(Boolean).map((block) => {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? ''
  return { event: field('event'), id: field('id'), data: field('data') }
})

/** Reads from a stream until `enough` says so. */
async function read (stream: AsyncGenerator<string, void>, enough: (frames: Frame[]) => boolean): Promise<Frame[]> {
  let text = ''
  while (!enough(frames(text))) {
    const { value, done } = await stream.next()
    if (done === true) break
    text += value
  }
  return frames(text)
}

const detections = (all: readonly Frame[]): string[] => all.filter(({ event }) => event === 'detection').map(({ data }) => (JSON.parse(data) as { detection: { id: string } }).detection.id)

t.test('a reader that comes back goes on where it was', async (t) => {
  const feed = new EventFeed()
  const leaving = new AbortController()
  const first = feed.open(undefined, leaving.signal)
  feed.publish(detection(1))
  const seen = await read(first, (all) => detections(all).length === 1)
  t.match(seen[0]?.data, '{"resumed":false}')
  leaving.abort()
  feed.publish(detection(2))
  feed.publish(detection(3))
  const back = new AbortController()
  const resumed = await read(feed.open(seen.at(-1)?.id, back.signal), (all) => detections(all).length === 2)
  t.match(resumed[0]?.data, '{"resumed":true}')
  t.strictSame(detections(resumed), ['d2', 'd3'])
  back.abort()
})

t.test('a reader that was away for too long, or knows another run, is told to fetch everything', async (t) => {
  const feed = new EventFeed(limits({ history: 4 }))
  const opening = async (lastEventId: string) => {
    const leaving = new AbortController()
    const { value } = await feed.open(lastEventId, leaving.signal).next()
    leaving.abort()
    return frames(String(value))[0]
  }
  feed.publish(detection(0))
  const id = (await opening(''))?.id ?? ''
  for (let index = 1; index <= 4; index++) feed.publish(detection(index))
  t.match((await opening(id))?.data, 'true', 'four missed of four kept')
  feed.publish(detection(5))
  for (const stale of [id, `another-${id}`, 'x-1', id.replace(/\d+$/, '99'), `${id}x`]) t.match((await opening(stale))?.data, 'false', stale)
})

t.test('a slow reader is bounded: it loses its queue whole, is told how much, and then gets what is new', async (t) => {
  const feed = new EventFeed(limits({ queue: 10, history: 10 }))
  const leaving = new AbortController()
  const stream = feed.open(undefined, leaving.signal)
  await stream.next()
  for (let index = 0; index < 1000; index++) feed.publish(detection(index))
  t.equal(feed.counts.dropped, 1000)
  const [reset] = frames(String((await stream.next()).value))
  t.equal(reset?.event, 'reset')
  t.equal(reset?.data, '{"lost":1000}')
  feed.publish(detection(1000))
  t.strictSame(detections(frames(String((await stream.next()).value))), ['d1000'])
  leaving.abort()
})

t.test('of the traffic only the newest picture waits', async (t) => {
  const feed = new EventFeed(limits({ queue: 10 }))
  const leaving = new AbortController()
  for (let beat = 0; beat < 100; beat++) feed.publish(traffic(beat))
  const stream = feed.open(undefined, leaving.signal)
  await stream.next()
  for (let beat = 100; beat < 200; beat++) feed.publish(traffic(beat))
  const all = frames(String((await stream.next()).value))
  t.strictSame(all.map(({ event }) => event), ['traffic'])
  t.match(all[0]?.data, '"atMs":199')
  t.equal(feed.counts.dropped, 0)
  leaving.abort()
})

t.test('the number of readers is bounded, and a reader that leaves makes room even if it never read', async (t) => {
  const feed = new EventFeed(limits({ readers: 2 }))
  const leaving = [new AbortController(), new AbortController()] as const
  for (const { signal } of leaving) feed.open(undefined, signal)
  t.throws(() => feed.open(undefined, new AbortController().signal), { code: 'UNAVAILABLE', message: /All 2 event streams are taken/ })
  leaving[0].abort()
  t.equal(feed.counts.readers, 1)
  t.doesNotThrow(() => feed.open(undefined, leaving[1].signal))
  leaving[1].abort()
  feed.open(undefined, leaving[1].signal)
  t.equal(feed.counts.readers, 0, 'one that left before it came is none')
})

t.test('silence is filled by a heartbeat', async (t) => {
  const feed = new EventFeed(limits({ heartbeatMs: 1 }))
  const leaving = new AbortController()
  const stream = feed.open(undefined, leaving.signal)
  await stream.next()
  t.equal((await stream.next()).value, ': heartbeat\n\n')
  leaving.abort()
  t.equal((await stream.next()).done, true)
})

t.test('over the wire: a reader whose socket stands still costs a bounded queue, and leaving frees it', async (t) => {
  const { loop, urls } = await stage(t, { feedLimits: limits({ queue: 50, history: 50 }) })
  const streams = async () => /^autoshield_console_event_streams (\d+)$/m.exec((await ask(`${urls.metrics}/metrics`)).text)?.[1]
  const dropped = async () => Number(/^autoshield_console_events_dropped_total (\d+)$/m.exec((await ask(`${urls.metrics}/metrics`)).text)?.[1])
  const call = request(`${urls.api}/api/v1/events`, { agent: false })
  call.end()
  const [response] = await once(call, 'response') as [IncomingMessage]
  t.equal(response.headers['content-type'], 'text/event-stream')
  await once(response, 'readable')
  t.equal(await streams(), '1')
  // Nothing is read from here on: socket buffers fill first, then the queue, then events are dropped and counted.
  for (let sent = 0; await dropped() === 0 && sent < 40_000; sent += 500) {
    for (let index = 0; index < 500; index++) await loop.emit(detection(index))
  }
  t.ok(await dropped() > 0)
  response.destroy()
  while (await streams() !== '0') await new Promise(setImmediate)
  t.equal(await streams(), '0')
})
