import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../../src/core/errors.ts'

/** Packets by port; null: those of limits on any port. */
export type ByPort = ReadonlyMap<number | null, number>

const run = promisify(execFile)
const LIST_MS = 2_000
/** A counter is 120 bytes: more than there are ports. */
const MAX_BYTES = 16 * 2 ** 20

/** What nft's counter of the connections is called that limits on a port drop; null: limits on any port. */
export const counterName = (port: number | null): string => `syn-${port ?? 'any'}`

const NAME = /^syn-(any|\d{1,5})$/

const Listed = Compile(Type.Object({
  nftables: Type.Array(Type.Object({
    counter: Type.Optional(Type.Object({ family: Type.String(), table: Type.String(), name: Type.String(), packets: Type.Integer({ minimum: 0 }) })),
  })),
}))

/** What nft's list of counters (libnftables-json(5)) says of a table's; null where the text is no such list. */
export function countersIn (text: string, table: string): ByPort | null {
  let listed: unknown
  try {
    listed = JSON.parse(text)
  } catch {
    return null
  }
  if (!Listed.Check(listed)) return null
  return new Map(listed.nftables.flatMap(({ counter }) => {
    const [, port] = counter !== undefined && `${counter.family} ${counter.table}` === table ? NAME.exec(counter.name) ?? [] : []
    return counter === undefined || port === undefined ? [] : [[port === 'any' ? null : Number(port), counter.packets] as const]
  }))
}

/** The counters of a table as of now; none where it is not there. Throws UNAVAILABLE in nft's own words. */
export async function readCounters (table: string): Promise<ByPort> {
  try {
    const { stdout } = await run('nft', ['-j', 'list', 'counters'], { timeout: LIST_MS, maxBuffer: MAX_BYTES })
    const counters = countersIn(stdout, table)
    if (counters === null) throw new Error('nft\'s answer is no list of counters')
    return counters
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message.trim().slice(0, 300) : String(thrown)
    throw new AutoshieldError('UNAVAILABLE', `what limits on new connections drop is not counted: ${why}; the proxy's container needs nft and NET_ADMIN.`, { cause: thrown })
  }
}

/** Running totals over counters that begin anew with each table. */
export class RunningTotals {
  readonly #totals = new Map<number | null, number>()
  #last: ByPort = new Map()

  get byPort (): ByPort {
    return this.#totals
  }

  take (counters: ByPort): void {
    for (const [port, packets] of counters) {
      const before = this.#last.get(port) ?? 0
      this.#totals.set(port, (this.#totals.get(port) ?? 0) + (packets < before ? packets : packets - before))
    }
    this.#last = counters
  }
}
