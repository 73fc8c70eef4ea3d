import fc from 'fast-check'
import t from 'tap'
import { labelValue, objectName } from '../../../src/core/plan/names.ts'

t.test('a name that Kubernetes takes stays as it is', (t) => {
  t.equal(objectName('m-0b5c7e6e', 'egress'), 'autoshield-m-0b5c7e6e-egress')
  t.equal(labelValue('0b5c7e6e-1111-4222-8333-000000000001'), '0b5c7e6e-1111-4222-8333-000000000001')
  t.end()
})

t.test('any text becomes a valid name and label value, and different texts stay apart', (t) => {
  const any = fc.oneof(fc.string({ maxLength: 100 }), fc.string({ unit: 'binary', maxLength: 20 }), fc.string({ minLength: 60, maxLength: 90, unit: fc.constantFrom('a', '-', '.') }))
  t.doesNotThrow(() => fc.assert(fc.property(any, any, (one, other) => {
    const names = [one, other].map((text) => objectName(text, 'isolation'))
    const values = [one, other].map((text) => labelValue(text))
    return names.every((name) => name.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) &&
      values.every((value) => value.length <= 63 && /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(value)) &&
      (one === other || (names[0] !== names[1] && values[0] !== values[1]))
  }), { numRuns: 2000, seed: 3 }))
  t.end()
})
