import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { Timekeeper } from './timekeeper.ts'

/** Nothing else of this process gets its turn meanwhile, as on a machine that is too busy. */
function hold (ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}

t.test('time in which nothing woke is lost, and told once', async (t) => {
  using clock = new Timekeeper()
  hold(400)
  await delay(1)
  const { lostShare, mostLateMs } = clock.take()
  t.ok(mostLateMs >= 300, `late by ${mostLateMs} ms`)
  t.ok(lostShare > 0.5 && lostShare <= 1, `lost ${lostShare}`)
  t.ok(clock.take().mostLateMs < mostLateMs, 'the next one begins anew')
})

t.test('a pause that is still going on counts', (t) => {
  using clock = new Timekeeper()
  hold(300)
  t.ok(clock.take().lostShare > 0.5)
  t.end()
})
