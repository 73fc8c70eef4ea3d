import { join } from 'node:path'
import { readFile } from 'node:fs/promises'
import { missingForLab } from '../lab/lab.ts'
import { addressNumber, readPackets } from '../lab/packets.ts'
import { guardedApp, ShieldedLab } from '../real/shielded-lab.ts'
import { findTool } from '../setup/tools.ts'
import type { Figure } from './figure.ts'
import { quantile } from './quantile.ts'

/** Each scan leads to two restrictions, and safety allows ten a minute. */
const TRIALS = 5
const SCANS = Array.from({ length: TRIALS }, (_, at) => `scanner${at}`)

/** What Envoy says of its listeners. */
interface ListenersDump {
  readonly configs?: readonly { readonly dynamic_listeners?: readonly { readonly active_state?: { readonly last_updated: string } }[] }[]
}

/** When Envoy last put a listener to work, by its own clock in Unix ms (the machine's). */
async function lastUpdatedMs (shielded: ShieldedLab): Promise<number> {
  const dump = JSON.parse(await shielded.envoy.admin('/config_dump?resource=dynamic_listeners')) as ListenersDump
  const times = (dump.configs ?? []).flatMap((config) => 'active_state' in config ? [config as { active_state: { last_updated: string } }] : config.dynamic_listeners ?? [])
    .map(({ active_state: active }) => active === undefined ? NaN : Date.parse(active.last_updated))
  return Math.max(...times)
}

/**
 * From the first packet of a fast scan, by a capture on the gateway, to the moment at which Envoy put the listener that
 * refuses the scanner to work, by Envoy's own record. Live capture, one scanner after the other, each a pod of its own.
 */
export async function containmentFigures (): Promise<Figure[]> {
  const missing = [...missingForLab(['nmap', 'curl', 'nft']), findTool('envoy').missing].filter((line) => line !== undefined)
  if (missing.length > 0) throw new Error(missing.join('; '))
  await using shielded = await ShieldedLab.start(SCANS, guardedApp)
  const { lab } = shielded
  const victim = lab.pod('victim').address
  const file = join(lab.folder, 'containment.pcap')
  const capture = await lab.capture(file)
  const inForce = new Map<string, { listenerMs: number, decidedMs: number }>()
  for (const name of SCANS) {
    const scan = lab.pod(name).run(`nmap -n -Pn -sT --max-rate 1000 -p1-3000 ${victim}`, { timeoutMs: 60_000 })
    const { mitigation } = await shielded.programmed(name)
    inForce.set(name, { listenerMs: await lastUpdatedMs(shielded), decidedMs: Date.parse(mitigation.metadata.creationTimestamp) })
    await scan
  }
  await capture.stop()

  const first = new Map<number, number>()
  for (const packet of readPackets(await readFile(file))) {
    if (packet.destination === addressNumber(victim) && !first.has(packet.source)) first.set(packet.source, packet.atMs)
  }
  const spans = SCANS.map((name) => {
    const { listenerMs, decidedMs } = inForce.get(name) ?? { listenerMs: NaN, decidedMs: NaN }
    return { whole: listenerMs - (first.get(addressNumber(lab.pod(name).address)) ?? NaN), push: listenerMs - decidedMs }
  })
  const whole = spans.map((span) => span.whole)
  const push = quantile(spans.map((span) => span.push), 0.5)
  const beside = { name: 'from the decision to the restriction, p50', value: push }
  return [['p50', quantile(whole, 0.5)] as const, ['max', Math.max(...whole)] as const]
    .map(([name, value]) => ({ name: `containment.${name}_ms`, value, unit: 'ms', beside, ratio: value / push }))
}
