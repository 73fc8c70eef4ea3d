import t from 'tap'
import { CLASSES, techniqueOf } from '../../src/core/classes.ts'

t.test('every shipped attack class names its ATT&CK technique, and a class of a user has none', async (t) => {
  for (const name of CLASSES.slice(1)) t.match(techniqueOf(name)?.id, /^T\d{4}$/, name)
  t.equal(techniqueOf('CUSTOM_ATTACK'), null)
  const own = { CUSTOM_ATTACK: { id: 'T1071.001', name: 'Web Protocols' }, PORT_SCAN: { id: 'T1000', name: 'Another' } }
  t.strictSame(techniqueOf('CUSTOM_ATTACK', own), { id: 'T1071.001', name: 'Web Protocols', url: 'https://attack.mitre.org/techniques/T1071/001/' })
  t.equal(techniqueOf('PORT_SCAN', own)?.id, 'T1046', 'a shipped class keeps its own')
  t.equal(techniqueOf('toString', own), null)
  t.equal(techniqueOf('toString'), null, 'an inherited property is no technique')
})
