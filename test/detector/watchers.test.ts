import { EventEmitter } from 'node:events'
import t from 'tap'
import type { RestrictionCount } from '../../src/core/mitigation/restriction-count.ts'
import { Watchers, type WatchCall } from '../../src/detector/watchers.ts'
import type { WatchEvent } from '../../src/wire/gen/scores_pb.ts'
import { FakeScorer } from './stage.ts'

const count: RestrictionCount = { podUid: 'pod-1', source: '10.0.0.9', destination: '10.0.0.1', port: 80, unit: 'connections', atMs: 500, attempts: 1, denied: 1, limited: 0, passed: 0, shadowed: 0 }

t.test('what many proxies count takes no place from what else waits for a slow watcher', async (t) => {
  const written: WatchEvent[] = []
  const taken: (() => void)[] = []
  const call = Object.assign(new EventEmitter(), {
    write: (event: WatchEvent, done: () => void) => {
      written.push(event)
      taken.push(done)
    },
  })
  const watchers = new Watchers({ model: new FakeScorer().model, maxQueued: 2, holdMs: 0, clock: { now: Date.now } })
  watchers.add(call as unknown as WatchCall, { floor: 0, everyKey: false })
  watchers.tell({ case: 'synced', value: { version: 'next' } })
  for (let batch = 0; batch < 1_000; batch++) watchers.restricted([count, count])
  t.equal(watchers.lost, 0)
  for (let event = 0; event < 3; event++) taken[event]?.()
  t.strictSame(written.map(({ event }) => event.case), ['synced', 'synced', 'restrictions'])
  const { event } = written[2] ?? {}
  t.equal(event?.case === 'restrictions' ? event.value.counts.length : 0, 2_000)
})

t.test('which model scores is never lost by a slow watcher', async (t) => {
  const written: WatchEvent[] = []
  const taken: (() => void)[] = []
  const call = Object.assign(new EventEmitter(), {
    write: (event: WatchEvent, done: () => void) => {
      written.push(event)
      taken.push(done)
    },
  })
  const watchers = new Watchers({ model: new FakeScorer().model, maxQueued: 3, holdMs: 0, clock: { now: Date.now } })
  watchers.add(call as unknown as WatchCall, { floor: 0, everyKey: false })
  watchers.setModel({ ...new FakeScorer().model, version: 'next' })
  for (let event = 0; event < 10; event++) watchers.tell({ case: 'traffic', value: { atMs: event } })
  t.equal(watchers.lost, 8)
  for (let event = 0; event < 4; event++) taken[event]?.()
  t.strictSame(written.map(({ event }) => event.case === 'traffic' ? event.value.atMs : event.case), ['synced', 'synced', 8, 9])
})
