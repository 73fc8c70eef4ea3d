import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { answerRules } from './answer-rules.ts'
import { type ClientAddress, clientAddress, type Facts } from './client-address.ts'
import { TABLE } from './redirect-rules.ts'
import { openReturnWays, type Ways } from './return-way.ts'

const run = promisify(execFile)
const CHECK_MS = 5_000
/** The rules of routing are nobody's own: whoever takes them away would cut off who came before that is seen. */
const LOOK_AGAIN_MS = 30_000

const NONE: Ways = { families: [], why: '' }

/** Whether this pod's network lets the proxy connect from its clients' addresses; looked at, and set up where it is not, again and again. */
export class Transparency {
  readonly #asked: boolean
  readonly #refusal: string
  #ways: Ways = NONE
  #lookedMs = -Infinity

  private constructor (asked: boolean, refusal: string) {
    this.#asked = asked
    this.#refusal = refusal
  }

  static async prepare (asked: boolean): Promise<Transparency> {
    return new Transparency(asked, asked ? await refusalOf() : '')
  }

  async now (proxy: Facts['proxy']): Promise<ClientAddress> {
    const able = this.#asked && this.#refusal === ''
    if (able && performance.now() - this.#lookedMs > LOOK_AGAIN_MS) {
      this.#ways = await openReturnWays()
      this.#lookedMs = performance.now()
    }
    return clientAddress({ asked: this.#asked, refusal: this.#refusal, ways: this.#ways, proxy })
  }
}

/** Loads nothing: nft and the kernel say whether they would take the rules. Empty if so. */
async function refusalOf (): Promise<string> {
  if (!await hasNetRaw('self')) return 'the proxy\'s container has no capability NET_RAW'
  const rules = [`add table ${TABLE} { flags owner; }`, ...answerRules(TABLE, [])].join('; ')
  try {
    await run('nft', ['-c', rules], { timeout: CHECK_MS })
    return ''
  } catch (error) {
    return `nft or the kernel does not take the rules that lead answers back to the proxy (${error instanceof Error ? error.message.split('\n').find((line) => line.includes('Error')) ?? error.message : String(error)})`
  }
}

/** Bit of NET_RAW (capabilities(7)). */
const NET_RAW = 13n

/** Whether a process may bind to addresses that are not the machine's; not where it is gone. */
export async function hasNetRaw (pid: number | 'self'): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const [, effective = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? []
  return (BigInt(`0x${effective}`) >> NET_RAW & 1n) === 1n
}
