import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { LeadershipState } from '../../src/console/api/views.ts'
import { inOrder, leads, type Replica, twoControllers } from '../real/two-controllers.ts'
import type { Figure } from './figure.ts'
import { quantile } from './quantile.ts'

const TURNS = 10
const BESIDE = 'a controller that starts again, with nobody else'

/** From `kill -9` of the controller that leads to the first action that another has done and written down. */
export async function failoverFigures (): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-failover-'))
  const ends: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true })]
  try {
    const { replicas } = await twoControllers(folder, (end) => ends.push(end), (line) => console.error(`bench: ${line}`))
    let [first, second] = await inOrder(replicas)
    await mayFollow(first)
    const taken: number[] = []
    for (let turn = 0; turn < TURNS; turn++) {
      const started = performance.now()
      first.running.kill('SIGKILL')
      await acts(second.api)
      taken.push(performance.now() - started)
      first.start()
      await mayFollow(second);
      [first, second] = [second, first]
      console.error(`bench: failover ${turn + 1} of ${TURNS}`)
    }
    const alone: number[] = []
    second.running.kill('SIGKILL')
    for (let turn = 0; turn < TURNS / 2; turn++) {
      first.running.kill('SIGKILL')
      await first.running.ended
      const started = performance.now()
      first.start()
      await acts(first.api)
      alone.push(performance.now() - started)
      await leads(first)
    }
    const [p50, beside] = [quantile(taken, 0.5), quantile(alone, 0.5)]
    return [{ name: 'failover.p50_ms', value: p50, unit: 'ms', beside: { name: BESIDE, value: beside }, ratio: p50 / beside }]
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** Resolves when another one has all that this leader acknowledged, and the lease says so. */
async function mayFollow ({ api }: Replica): Promise<void> {
  for (;;) {
    const said = await fetch(`${api}/api/v1/leadership`).catch(() => null)
    const { leadership } = said?.ok === true ? Value.Parse(LeadershipState, await said.json()) : { leadership: null }
    if (leadership?.followers.some(({ state }) => state === 'in-sync') === true) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Resolves when the controller there has taken an order and written it down. */
async function acts (api: string): Promise<void> {
  for (;;) {
    const said = await fetch(`${api}/api/v1/panic`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ reason: 'a measurement', undo: false }) }).catch(() => null) // it does not listen yet
    if (said?.ok === true) return
    await said?.body?.cancel()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
