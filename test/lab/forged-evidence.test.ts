import { join } from 'node:path'
import t from 'tap'
import type { Detection } from '../../src/core/verdict/detection.ts'
import { skipWithout } from '../setup/tools.ts'
import { until } from '../xds/real-envoy.ts'
import { Lab, missingForLab } from './lab.ts'
import { LabLoop } from './loop.ts'

t.setTimeout(240_000)

const [VICTIM, FORGER, OTHER] = ['10.9.0.2', '10.9.0.3', '10.9.0.4']
const PORT = 8080

t.test('a flood under forged addresses is told with the pod out of which it came, as that pod\'s own observer counts', { skip: skipWithout(missingForLab(['socat', 'hping3', 'curl'])) }, async (t) => {
  await using lab = await Lab.start({ pods: [{ name: 'victim', address: VICTIM }, { name: 'forger', address: FORGER }, { name: 'other', address: OTHER }] })
  const [victim, forger] = ['victim', 'forger'].map((name) => lab.pod(name)) as [typeof lab.gateway, typeof lab.gateway]
  victim.spawn(`socat TCP-LISTEN:${PORT},fork,reuseaddr,backlog=128 SYSTEM:'echo hello'`, { timeoutMs: 200_000 })
  await victim.listening(PORT)
  await using loop = await LabLoop.start(lab, { data: join(t.testdir(), 'data'), observed: [victim, forger], actuation: false })
  const flood = (target: string, packets: number) => forger.spawnInNetwork(['hping3', '-q', '-S', '-p', String(PORT), '-i', 'u1000', '-c', String(packets), '--rand-source', target], { timeoutMs: 90_000 })

  // The console tells counts with the traffic, of which forged packets are none.
  forger.spawn(`while true; do curl -s --max-time 2 --http0.9 http://${VICTIM}:${PORT}/ -o /dev/null; sleep 0.5; done`, { timeoutMs: 200_000 })

  // Nobody watches the first target: that something is wrong is known from the forger's own observer alone.
  const elsewhere = flood(OTHER, 60_000)
  const forging = async (): Promise<Record<string, number>> => (await loop.api<{ stats: { forging: Record<string, number> } | null }>('/status')).stats?.forging ?? {}
  const counted = await until(async () => JSON.stringify(await forging()), async () => {
    const told = await forging()
    return (told['forger'] ?? 0) >= 3_000 ? told : undefined
  }, 60_000)
  await elsewhere.stop()
  t.same(Object.keys(counted), ['forger'], 'what the victim is sent is not held against it')
  t.same((await loop.api<{ items: Detection[] }>('/detections')).items.filter(({ phase }) => phase === 'open'), [], 'forged packets alone are no detection')

  flood(VICTIM, 60_000)
  const detections = async (): Promise<readonly Detection[]> => (await loop.api<{ items: Detection[] }>('/detections')).items.filter(({ class: name, kind }) => name === 'SYN_FLOOD' && kind === 'fan-in')
  const found = await until(async () => JSON.stringify(await detections()), async () => (await detections()).find(({ phase }) => phase === 'open'), 60_000)
  t.match(found, { source: null, target: { uid: 'victim' } })
  t.match(found.explanation.named?.find(({ kind }) => kind === 'forged-packets'), { nats: 1.5, sentence: /packets left shop\/forger within the last minute under addresses that are not its own, while 10\.9\.0\.2 is sent packets/ })
})
