import fc from 'fast-check'
import t from 'tap'
import { editDistance, mendWord, nearest } from '../../../src/core/policy/nearest.ts'

t.test('a slip of the pen is mended with the word that was meant', (t) => {
  const known = ['severity', 'enabled', 'actions', 'attack_class', 'confidence_threshold', 'window']
  for (const [slip, meant] of [['severty', 'severity'], ['Severity', 'severity'], ['enable', 'enabled'], ['acitons', 'actions'], ['threshold', 'confidence_threshold'], ['class', 'attack_class'], ['xyz', null], ['', null]] as const) {
    t.equal(nearest(slip, known), meant, slip)
  }
  t.match(mendWord('xyz', known), /^Use one of: severity, /)
  t.equal(mendWord('xyz', []), 'Remove it')
  t.end()
})

t.test('edit distance is zero for one word, symmetric, and at most the longer word', (t) => {
  const word = fc.string({ maxLength: 12 }).map((text) => text.toLowerCase())
  t.doesNotThrow(() => fc.assert(fc.property(word, word, (left, right) => {
    const distance = editDistance(left, right)
    return distance === editDistance(right, left) && (distance === 0) === (left === right) && distance <= Math.max(left.length, right.length)
  })))
  t.end()
})
