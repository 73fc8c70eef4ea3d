import { readFile } from 'node:fs/promises'
import t from 'tap'
import { CLASSES } from '../../../src/core/classes.ts'
import { CLASS_RULES, EVIDENCE_KINDS } from '../../../src/core/evidence/table.ts'

const DOC = await readFile(new URL('../../../docs/EVIDENCE.md', import.meta.url), 'utf8')
const ATTACKS = CLASSES.filter((name) => name !== 'BENIGN')

t.test('the document says what each kind looks at and what it weighs', async (t) => {
  for (const { name, looksAt, weights } of EVIDENCE_KINDS) {
    const row = `| ${name} | ${looksAt} | ${ATTACKS.map((each) => weights[each] ?? '').join(' | ')} |`
    t.ok(DOC.includes(row), `docs/EVIDENCE.md lacks the row: ${row}`)
  }
})

t.test('the document says what speaks against each class, and what may open it without the model', async (t) => {
  for (const name of ATTACKS) {
    const { doubt, marks, opens } = CLASS_RULES[name]
    const row = `| ${name} | ${-doubt} | ${marks.map(({ missing, sentence, kinds }) => `${missing}: ${sentence} (none of ${kinds.join(', ')})`).join('; ')} | ${opens.map((set) => set.join(' + ')).join('; ')} |`
    t.ok(DOC.includes(row), `docs/EVIDENCE.md lacks the row: ${row}`)
  }
})

t.test('every kind that a class names is there, and a port alone opens nothing', async (t) => {
  const names = new Set(EVIDENCE_KINDS.map(({ name }) => name))
  for (const { marks, opens } of Object.values(CLASS_RULES)) {
    for (const kind of [...marks.flatMap(({ kinds }) => kinds), ...opens.flat()]) t.ok(names.has(kind), kind)
    t.notOk(opens.some((set) => set.length === 1 && set[0] === 'management-port'))
  }
})
