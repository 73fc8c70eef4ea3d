import { setTimeout as delay } from 'node:timers/promises'
import type { LabProcess } from './process.ts'
import type { Pod } from './pod.ts'

export interface CaptureCounts { packets: number, droppedByKernel: number }

/** tcpdump reports no drops and still loses what it has not yet read when it is told to end: it gets this long after the last packet. */
const SETTLE_MS = 1500

/** One tcpdump in one pod's network. */
export class Capture {
  readonly file: string
  readonly #process: LabProcess

  private constructor (file: string, process: LabProcess) {
    this.file = file
    this.#process = process
  }

  static async start (gateway: Pod, file: string, snapBytes: number): Promise<Capture> {
    const process = gateway.spawnInNetwork(['tcpdump', '-i', 'any', '-Q', 'in', '-y', 'LINUX_SLL2', '-Z', 'root', '-nn', '-s', String(snapBytes), '-B', '65536', '-w', file])
    await process.saying('listening on')
    return new Capture(file, process)
  }

  async stop (): Promise<CaptureCounts> {
    await delay(SETTLE_MS)
    const { stderr } = await this.#process.stop('SIGINT', 10_000)
    const count = (pattern: RegExp) => Number(pattern.exec(stderr)?.[1] ?? NaN)
    const counts = { packets: count(/(\d+) packets? captured/), droppedByKernel: count(/(\d+) packets? dropped by kernel/) }
    if (Number.isNaN(counts.packets)) throw new Error(`tcpdump did not say what it captured into ${this.file}: ${stderr}`)
    return counts
  }
}
