import fc from 'fast-check'
import t from 'tap'
import { boundEntry, cut, ENTRY_BOUNDS } from '../../../src/core/admission/bounds.ts'
import { ADMISSION_MODES } from '../../../src/core/admission/entry.ts'
import { atLeast, FINDING_CODES, FINDINGS, gravest, SEVERITIES, type Severity } from '../../../src/core/admission/finding.ts'
import { isWeaker, modeOf } from '../../../src/core/admission/mode.ts'
import { marked } from '../../webhook/shipping/made-entry.ts'

t.test('the mode is what the label says, and audit for everything else', async (t) => {
  for (const mode of ADMISSION_MODES) t.equal(modeOf({ 'autoshield.dev/admission': mode }), mode)
  for (const text of ['', 'Enforce', 'enforce ', 'off']) t.equal(modeOf({ 'autoshield.dev/admission': text }), 'audit', text)
  t.equal(modeOf({}), 'audit')
  t.ok(isWeaker('warn', 'enforce') && isWeaker('audit', 'warn') && !isWeaker('enforce', 'warn') && !isWeaker('warn', 'warn'))
})

t.test('severities are in order, and every finding has one and says what it is', async (t) => {
  t.same(SEVERITIES.map((severity) => atLeast(severity, 'high')), [false, false, true, true])
  const none: { severity: Severity }[] = []
  t.equal(gravest(none), undefined)
  const [low, high, other] = [{ severity: 'low', n: 1 }, { severity: 'high', n: 2 }, { severity: 'high', n: 3 }] as const
  t.equal(gravest([low, high, other]), high, 'the first among equals')
  for (const code of FINDING_CODES) t.match(FINDINGS[code], { severity: /low|medium|high|critical/, text: /\w/ })
})

t.test('cut text is never longer than asked, says that it was cut, and tears no character', async (t) => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.integer({ min: 1, max: 30 }), (text, length) => {
    const short = cut(text, length)
    return short.length <= length && short.isWellFormed() && (text.length <= length ? short === text : short.endsWith('…'))
  }))
})

t.test('an entry that is too large says how much of it is missing', async (t) => {
  const entry = boundEntry(marked('r', undefined, { groups: Array.from({ length: 100 }, (_, n) => `g${n}`), name: 'x'.repeat(1_000) }))
  t.equal(entry.groups.length, ENTRY_BOUNDS.groups)
  t.equal(entry.groups.at(-1), '(69 more)')
  t.equal(entry.name.length, ENTRY_BOUNDS.text)
})
