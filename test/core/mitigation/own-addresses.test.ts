import t from 'tap'
import type { Subject } from '../../../src/core/mitigation/mitigation.ts'
import { withOwnAddresses } from '../../../src/core/mitigation/own-addresses.ts'
import { mitigationOf } from '../../xds/mitigation-of.ts'

const THEIRS = { '10.0.0.6': 'attacker', 'fd00::6': 'attacker', '10.0.0.1': 'victim' }
const mitigation = mitigationOf('deny', { subject: { uid: 'attacker', addresses: ['10.0.0.6', 'fd00::6'] }, victims: [{ uid: 'victim', addresses: ['10.0.0.1'], name: 'db-0' }] })

/** With the owners of now in place of those. */
const bound = (change: Readonly<Record<string, string | null>>) => withOwnAddresses(mitigation, (address) => ({ ...THEIRS, ...change })[address] ?? null)

t.test('while its pods have their addresses it is as it is', async (t) => {
  t.equal(bound({}), mitigation)
})

t.test('an address that another pod has, nobody, or several, is none of its own', async (t) => {
  for (const owner of ['successor', null]) {
    t.match(bound({ '10.0.0.6': owner }).spec.subject, { uid: 'attacker', addresses: ['fd00::6'] })
    t.strictSame(bound({ '10.0.0.6': owner, 'fd00::6': owner }).spec.subject, { uid: 'attacker', addresses: [] })
    t.strictSame(bound({ '10.0.0.1': owner }).spec.victims, [{ uid: 'victim', addresses: [], name: 'db-0' }])
  }
  t.equal(bound({ '10.0.0.6': 'victim' }).spec.victims[0]?.addresses.length, 1, 'each pod is asked for its own')
})

t.test('what restricts at the victim whoever it is from has no address to lose', async (t) => {
  const anySource: Subject = 'anySource'
  const flood = { ...mitigation, spec: { ...mitigation.spec, subject: anySource } }
  t.equal(withOwnAddresses(flood, () => null), flood)
})
