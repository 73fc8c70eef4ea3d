import t from 'tap'
import { CLASSES, techniqueOf } from '../../src/core/classes.ts'

t.test('every shipped attack class names its ATT&CK technique, and a class of a user has none', async (t) => {
  for (const name of CLASSES.slice(1)) t.match(techniqueOf(name)?.id, /^T\d{4}$/, name)
  t.equal(techniqueOf('CUSTOM_ATTACK'), null)
  t.equal(techniqueOf('toString'), null, 'an inherited property is no technique')
})
