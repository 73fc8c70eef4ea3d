import t from 'tap'
import { envoyTool } from '../xds/real-envoy.ts'
import { soak } from './soak.ts'

t.test('half a minute of churn leaves no restriction and no memory behind, and cuts nobody off', { skip: envoyTool.missing ?? false }, async (t) => {
  const { faults, turns, mitigations } = await soak({ seconds: 30, proxies: 40, envoys: 1, seed: 'ci', say: (line) => t.comment(line) })
  t.same(faults, [])
  t.ok(turns >= 12 && mitigations > turns, `${turns} turns, ${mitigations} mitigations`)
})
