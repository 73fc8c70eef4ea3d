import { execFile } from 'node:child_process'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { addressText, parseAddress } from '../../src/core/flow/address.ts'

const run = promisify(execFile)
const LIST_MS = 2_000
/** In the order that the kernel gives them; what is beyond it is left out. */
const MAX_CONNECTIONS = 1_024

/** A connection of the pod, seen from its peer. */
export interface OpenConnection {
  readonly family: 'ip' | 'ip6'
  readonly address: string
  readonly port: number
  /** Of the pod. */
  readonly to: number
}

/** Those that are established now; none where that cannot be told. */
export async function openConnections (): Promise<readonly OpenConnection[]> {
  const { stdout } = await run('ss', ['-Htn', 'state', 'established'], { timeout: LIST_MS }).catch(() => ({ stdout: '' }))
  return stdout.split('\n').flatMap(readConnection).slice(0, MAX_CONNECTIONS)
}

/** `0 0 10.0.0.1:80 10.0.0.2:40000`, `0 0 [::ffff:10.0.0.1]:80 [::ffff:10.0.0.2]:40000`. */
export function readConnection (line: string): readonly OpenConnection[] {
  const [, , local = '', peer = ''] = line.trim().split(/\s+/)
  const [, to] = /:(\d+)$/.exec(local) ?? []
  const [, host = '', port] = /^(.*):(\d+)$/.exec(peer) ?? []
  const words = parseAddress(host.replace(/%[^\]]*/, '').replace(/^\[(.*)\]$/, '$1'))
  if (to === undefined || port === undefined || words === null) return []
  const address = addressText(words, 0)
  return [{ family: isIP(address) === 6 ? 'ip6' : 'ip', address, port: Number(port), to: Number(to) }]
}
