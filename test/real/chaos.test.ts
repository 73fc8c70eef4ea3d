import t from 'tap'
import { LEASE_SECONDS } from '../chaos/cast.ts'
import { missingForChaos } from '../chaos/ground.ts'
import { violationsOf } from '../chaos/invariants.ts'
import { reportOf } from '../chaos/report.ts'
import { chaos } from '../chaos/run.ts'
import { skipWithout } from '../setup/tools.ts'

const KILLS = 20
/** That the innocent are served rests on times, and the machine of a test has others to serve. */
const BY_TIME = 'no harm'

t.setTimeout(1_800_000)

t.test(`${KILLS} kills of what the product is made of, under attacks, break nothing that must hold`, { skip: skipWithout(missingForChaos()), timeout: 1_800_000 }, async (t) => {
  const diary = await chaos({ kills: KILLS, seed: 'small', between: KILLS, say: (line) => { t.comment(line) } })
  const violations = violationsOf(diary)
  for (const line of reportOf(diary, violations, LEASE_SECONDS * 1_000).split('\n')) t.comment(line)
  t.strictSame(violations.filter(({ invariant }) => invariant !== BY_TIME), [])
  t.equal(diary.kills.length, KILLS)
  t.ok(diary.kills.some(({ target }) => target === 'leader'), 'leaders among them')
  t.ok(diary.writes.some(({ resource }) => resource === 'mitigations'), 'and attacks were answered')
})
