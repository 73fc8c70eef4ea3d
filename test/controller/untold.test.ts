import t from 'tap'
import { endWithSubject, expire, revert } from '../../src/core/mitigation/lifecycle.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import { openAuditTrail } from '../../src/adapters/store/audit-trail.ts'
import { untold } from '../../src/controller/untold.ts'
import { mitigationOf } from '../xds/mitigation-of.ts'

const MS = Date.UTC(2101, 0, 1)
const active = mitigationOf('m')
const ended = expire(active, MS).mitigation
const undone = revert(active, { actor: 'console:jo', reason: 'Excepted', why: 'a drill' }, MS).mitigation
const gone = endWithSubject(active, { uid: 'u', addresses: ['10.0.0.1'] }, MS)

const rows: readonly (readonly [string, Mitigation, readonly string[], boolean, string | null])[] = [
  ['active, and its beginning is told', active, ['mitigation.applied'], false, null],
  ['active, decided, and nothing is told', active, [], true, 'mitigation.applied RuleMatched'],
  ['active, and nothing at all is known', active, [], false, 'mitigation.applied TakenOver'],
  ['simulated, decided, and nothing is told', { ...active, status: { ...active.status, simulated: true } }, [], true, 'mitigation.applied Simulated'],
  ['ended, and all is told', ended, ['mitigation.applied', 'mitigation.expired'], true, null],
  ['ended by time, and that is not told', ended, ['mitigation.applied'], true, 'mitigation.expired Expired'],
  ['ended with its pod, and that is not told', gone, ['mitigation.applied'], true, 'mitigation.ended SubjectGone'],
  ['undone, and that is not told', undone, ['mitigation.applied', 'mitigation.programmed'], true, 'mitigation.reverted Excepted'],
  ['ended, of another trail', ended, [], false, null],
]
for (const [what, mitigation, told, decided, missing] of rows) {
  t.test(`what the trail lacks of one that is ${what}`, async (t) => {
    await using audit = openAuditTrail(t.testdir(), { clock: { now: () => MS } })
    for (const action of told) await audit.append({ actor: 'autoshield', action, object: 'mitigation/m', reason: 'Stored', detail: {} })
    await audit.append({ actor: 'autoshield', action: 'mitigation.applied', object: 'mitigation/other', reason: 'Stored', detail: {} })
    t.strictSame(untold([mitigation], audit, (name) => decided && name === 'm').map(({ action, reason }) => `${action} ${reason}`)[0] ?? null, missing)
  })
}
