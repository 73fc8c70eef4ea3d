import t from 'tap'
import { LEASE_SECONDS } from '../chaos/cast.ts'
import { missingForChaos } from '../chaos/ground.ts'
import { violationsOf } from '../chaos/invariants.ts'
import { reportOf } from '../chaos/report.ts'
import { chaos } from '../chaos/run.ts'
import { skipWithout } from '../setup/tools.ts'

t.setTimeout(900_000)

const SEED = 'small'

t.test('twenty kills of what the product is made of, under attacks, break nothing that must hold', { skip: skipWithout(missingForChaos()), timeout: 900_000 }, async (t) => {
  const diary = await chaos({ kills: 20, seed: SEED, between: 20, say: (line) => { t.comment(line) } })
  const violations = violationsOf(diary)
  for (const line of reportOf(diary, violations, LEASE_SECONDS * 1_000).split('\n')) t.comment(line)
  t.strictSame(violations, [])
  t.equal(diary.kills.length, 20)
  t.ok(diary.writes.some(({ resource }) => resource === 'mitigations'), 'something was done')
})
