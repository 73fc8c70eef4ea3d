import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Decision } from '../../src/core/policy/decision.ts'
import type { Detection } from '../../src/core/verdict/detection.ts'
import { skipWithout } from '../setup/tools.ts'
import { until } from '../xds/real-envoy.ts'
import { Lab, missingForLab } from './lab.ts'
import { LabLoop } from './loop.ts'

t.setTimeout(240_000)

const [INNOCENT, VICTIM, FORGER] = ['10.9.0.1', '10.9.0.2', '10.9.0.3']
const PORT = 8080
const STEP_MS = 15_000
/** On a condition alone, which every 15 s is judged by. */
const RULES = `
rules:
  - id: storms
    name: Storms
    attack_class: CONNECTION_STORM
    condition: features.flow_count > 100
    cooldown_seconds: 1
    ttl_seconds: 60
    actions: [{ action_type: network_policy, parameters: { direction: ingress, ports: any } }]
`
/** Connections that are answered, of 15 ms each. */
const STORM = `let left = 400; const next = () => { if (left-- > 0) require('net').connect(${PORT}, '${VICTIM}').on('error', next).on('end', () => setTimeout(next, 15)).resume() }; next()`

t.test('who answers in another\'s name on the way gets nobody restricted, for that one\'s own observer saw none of it', { skip: skipWithout(missingForLab(['socat', 'nft', 'curl'])) }, async (t) => {
  await using lab = await Lab.start({ pods: [{ name: 'innocent', address: INNOCENT }, { name: 'victim', address: VICTIM }, { name: 'forger', address: FORGER }] })
  const [innocent, victim, forger] = ['innocent', 'victim', 'forger'].map((name) => lab.pod(name)) as [typeof lab.gateway, typeof lab.gateway, typeof lab.gateway]
  victim.spawn(`socat TCP-LISTEN:${PORT},fork,reuseaddr,backlog=128 SYSTEM:'echo hello'`, { timeoutMs: 200_000 })
  await victim.listening(PORT)
  // The gateway is the node: whoever owns it gives the forger the innocent pod's address, and the answers back to it.
  const forging = await lab.gateway.spawnInNetwork(['nft', `add table ip forge; add chain ip forge out { type nat hook postrouting priority srcnat; }; add rule ip forge out ip saddr ${FORGER} ip daddr ${VICTIM} snat to ${INNOCENT}`]).done
  t.equal(forging.code, 0, forging.stderr)
  const folder = t.testdir()
  await writeFile(join(folder, 'rules.yaml'), RULES)
  await using loop = await LabLoop.start(lab, { data: join(folder, 'data'), observed: [innocent, victim], args: ['--policy', join(folder, 'rules.yaml')], actuation: true })
  // What an observer does not tell of a window that had begun before it came means nothing.
  const from = (Math.floor((Date.now() + 3_000) / STEP_MS) + 1) * STEP_MS
  await until('a whole window lies before them', () => Date.now() > from || undefined, 2 * STEP_MS)
  const storm = async (by: typeof innocent): Promise<unknown> => by.spawnInNetwork([process.execPath, '-e', STORM], { timeoutMs: 60_000 }).done
  /** Goes on until it is decided so. */
  const decided = async (by: typeof innocent, wanted: Partial<Decision>): Promise<Decision> => until(async () => `${wanted.reason ?? ''}: ${JSON.stringify((await loop.api<{ items: Decision[] }>('/decisions')).items.map(({ verdict, reason, message }) => [verdict, reason, message]))}`, async () => {
    await storm(by)
    return (await loop.api<{ items: Decision[] }>('/decisions')).items.find(({ reason, verdict }) => reason === wanted.reason && verdict === wanted.verdict)
  }, 90_000)

  const refused = await decided(forger, { verdict: 'alert', reason: 'WitnessesDisagree' })
  t.match(refused, { mitigation: null, message: /observer of 10\.9\.0\.1 was asked and did not see its pod send this/ })
  const detection = await loop.api<Detection>(`/detections/${refused.detection}`)
  t.match(detection, { source: { uid: 'innocent' }, target: { uid: 'victim' } })
  t.strictSame(Object.fromEntries(detection.witnesses.map(({ reporter, agrees }) => [reporter.replace(/.*\//, ''), agrees])), { innocent: false, victim: true }, 'the two disagree, and it is shown')
  t.strictSame((await loop.api<{ items: unknown[] }>('/mitigations')).items, [])
  t.match(await loop.api('/audit?action=decision.alert'), { items: [{ reason: 'WitnessesDisagree' }] })

  const cut = await decided(innocent, { verdict: 'mitigate', reason: 'RuleMatched' })
  t.equal(cut.detection, refused.detection, 'when it attacks itself, its own observer says so')
})
