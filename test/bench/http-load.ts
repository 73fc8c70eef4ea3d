import type { Pod } from '../lab/pod.ts'
import { program } from '../setup/tools.ts'

export interface HttpLoad {
  readonly perSecond: number
  readonly p99Ms: number
}

const UNIT_MS = { us: 0.001, ms: 1, s: 1000 }

/** As fast as answers come, over connections that stay, by wrk in a pod's network. Rejects where a request is not answered 200. */
export async function httpLoad (from: Pod, url: string, { connections, seconds }: { readonly connections: number, readonly seconds: number }): Promise<HttpLoad> {
  const { code, stdout, stderr } = await from.spawnInNetwork([program('wrk'), '--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`, '--latency', url], { timeoutMs: 30_000 }).done
  const [, perSecond] = /^Requests\/sec: +([\d.]+)$/m.exec(stdout) ?? []
  const [, p99, unit] = /^ +99% +([\d.]+)(us|ms|s)$/m.exec(stdout) ?? []
  if (code !== 0 || perSecond === undefined || unit === undefined || /Socket errors|Non-2xx/.test(stdout)) throw new Error(`wrk on ${url}: ${stdout} ${stderr}`)
  return { perSecond: Number(perSecond), p99Ms: Number(p99) * UNIT_MS[unit as keyof typeof UNIT_MS] }
}
