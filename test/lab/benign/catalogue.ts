import { join } from 'node:path'
import type { Job } from '../clients/workload.ts'
import type { World } from '../draw-world.ts'
import { ADMINISTRATION } from './administration.ts'
import { COPIES } from './copies.ts'
import { DATAGRAMS } from './datagrams.ts'
import { FAILURES } from './failures.ts'
import type { Kinds, Load } from './kind.ts'
import { MESSAGES } from './messages.ts'
import { MONITORING } from './monitoring.ts'
import { NAMES } from './names.ts'
import { RPC } from './rpc.ts'
import { STORES } from './stores.ts'
import { WEB } from './web.ts'

/** Every kind of ordinary traffic; a run draws a handful of them. */
export const BENIGN: Kinds = { ...WEB, ...STORES, ...COPIES, ...ADMINISTRATION, ...MONITORING, ...FAILURES, ...RPC, ...DATAGRAMS, ...NAMES, ...MESSAGES }

const LOOK_ALIKES = Object.values(BENIGN).filter(({ looksLike }) => looksLike !== undefined)

/** Draws `count` kinds of ordinary traffic, with parameters of their own. Kinds whose server is not there are passed over. */
export function drawBenign (world: World, count: number, from: 'all' | 'look-alikes' = 'all'): Load[] {
  const drawn: Load[] = []
  let kinds = 0
  const pool = from === 'all' ? Object.values(BENIGN) : LOOK_ALIKES
  for (const kind of world.random.sample(pool, pool.length)) {
    if (kinds === count) break
    const loads = kind.draw(world)
    if (loads === null) continue
    drawn.push(...[loads].flat())
    kinds++
  }
  return drawn
}

/** The command that runs a pod's jobs in one process. */
export function workloadCommand (seed: string, jobs: readonly Job[]): string {
  return `exec ${process.execPath} ${join(import.meta.dirname, '..', 'clients', 'workload.ts')} '${seed}' '${JSON.stringify(jobs)}'`
}
