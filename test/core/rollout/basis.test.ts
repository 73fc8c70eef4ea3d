import t from 'tap'
import { basisOf, templateHash } from '../../../src/core/rollout/basis.ts'
import { madeSpec } from './made-policy.ts'

const DENY = { name: 'scans', class: 'PORT_SCAN', action: 'deny' }
const before = basisOf(madeSpec())

const rows: readonly [string, object, boolean][] = [
  ['another target', { target: 'shadow' }, false],
  ['a pause', { paused: true }, false],
  ['other shares', { canaryShares: [1] }, false],
  ['other gates', { gates: { minAttempts: 1 } }, false],
  ['what was left out, written out', { scope: { labels: {}, namespaces: [] } }, false],
  ['another scope', { scope: { namespaces: ['shop'] } }, true],
  ['another class', { restrictions: [{ ...DENY, class: 'SYN_FLOOD' }] }, true],
  ['another confidence', { restrictions: [{ ...DENY, confidence: 0.5 }] }, true],
  ['other ports', { restrictions: [{ ...DENY, ports: [22] }] }, true],
  ['a restriction more', { restrictions: [DENY, { ...DENY, name: 'more' }] }, true],
]
for (const [what, changes, is] of rows) {
  t.test(`${what} is ${is ? '' : 'not '}what evidence has to be found for anew`, (t) => {
    t.equal(basisOf(madeSpec(changes)) !== before, is)
    t.end()
  })
}

t.test('a restriction has one hash, whatever the order of its keys', (t) => {
  const [template] = madeSpec().restrictions
  if (template === undefined) throw new Error('there is none')
  t.equal(templateHash(Object.fromEntries(Object.entries(template).toReversed()) as typeof template), templateHash(template))
  t.not(templateHash({ ...template, action: 'limit' }), templateHash(template))
  t.end()
})
