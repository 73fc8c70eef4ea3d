import t from 'tap'
import { RunQueue } from './run-queue.ts'
import { scheduleRuns } from './schedule.ts'
import type { PlannedRun } from './schedule.ts'

const run = (name: string, seconds: number): PlannedRun => ({ name, seconds, scenario: 'benign', seed: 1, unseen: false, holdout: false, turn: 0 })
const names = (queue: RunQueue, jobs: number): (string | undefined)[] => Array.from({ length: queue.length }, () => queue.next(jobs)?.name)

t.test('runs are made in order, but for a long one that all would wait for in the end', (t) => {
  const short = Array.from({ length: 6 }, (_, number) => run(`short ${number}`, 10))
  t.same(names(new RunQueue([...short, run('long', 30)]), 1), [...short.map(({ name }) => name), 'long'], 'one at a time, nobody waits')
  t.same(names(new RunQueue([...short, run('long', 30)]), 3).slice(0, 4), ['long', 'short 0', 'short 1', 'short 2'])
  t.same(names(new RunQueue([...short, run('long', 20)]), 3).slice(0, 4), ['short 0', 'short 1', 'long', 'short 2'])
  t.equal(new RunQueue([]).next(1), null)
  t.end()
})

t.test('with eight at a time 250 runs end within one tenth of the least time that they can take', (t) => {
  const queue = new RunQueue(scheduleRuns(250, 8))
  const freeAt = Array.from({ length: 8 }, () => 0)
  for (let next = queue.next(8); next !== null; next = queue.next(8)) {
    const first = freeAt.indexOf(Math.min(...freeAt))
    freeAt[first] = (freeAt[first] ?? 0) + next.seconds
  }
  t.ok(Math.max(...freeAt) < 1.1 * 8 * 3600 / 8, `${Math.max(...freeAt)} s`)
  t.end()
})

t.test('a run that failed is made once more, after all others, and then left out', (t) => {
  const [first, second] = [run('first', 10), run('second', 10)]
  const queue = new RunQueue([first, second])
  t.equal(queue.next(1), first)
  t.equal(queue.failed(first), 'made again')
  t.same(names(queue, 1), ['second', 'first'])
  t.equal(queue.failed(first), 'left out')
  t.equal(queue.length, 0)
  t.end()
})
