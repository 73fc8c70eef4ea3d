import t from 'tap'
import { combine, MOST_AGAINST, MOST_FOR, nameEvidence, type Named } from '../../../src/core/evidence/combine.ts'
import type { Facts } from '../../../src/core/evidence/facts.ts'
import type { EvidenceKind } from '../../../src/core/evidence/kind.ts'
import { CLASS_RULES } from '../../../src/core/evidence/table.ts'

const named = (nats: number, mayOpen: boolean): Named => ({ pieces: [], nats, mayOpen })

t.test('the model speaks for it, the rule lets evidence open it: what the sum may reach', async (t) => {
  for (const [model, mayOpen, sum] of [[0.5, true, 2.5], [0.5, false, 2.5], [-4, true, 1], [-4, false, 0]] as const) {
    t.equal(combine(model, named(2, mayOpen), 1), sum, `model ${model}, may open ${mayOpen}`)
  }
})

t.test('one overwhelming window of the model suffices against all evidence', async (t) => {
  t.ok(combine(4.1, named(MOST_AGAINST, false), 1) > 1.5)
})

const kind = (name: string, weight: number, strength: number | null): EvidenceKind =>
  ({ name, looksAt: '', weights: { LATERAL_MOVEMENT: weight }, find: () => strength === null ? null : { strength, sentence: name } })
const LATERAL = { className: 'LATERAL_MOVEMENT', ...CLASS_RULES.LATERAL_MOVEMENT } as const
const FACTS = {} as Facts

t.test('pieces add up within bounds, strongest first', async (t) => {
  const { pieces, nats } = nameEvidence(LATERAL, [kind('management-port', 0.25, 1), kind('push', 9, 1)], FACTS)
  t.strictSame(pieces.map(({ kind: name, nats: each }) => [name, each]), [['push', 9], ['management-port', 0.25]])
  t.equal(nats, MOST_FOR)
  t.equal(nameEvidence(LATERAL, [kind('management-port', 0.25, null), kind('push', 1, null)], FACTS).nats, MOST_AGAINST)
})

t.test('what is not looked for is not missed', async (t) => {
  t.strictSame(nameEvidence(LATERAL, [], FACTS).pieces, [])
  t.strictSame(nameEvidence(LATERAL, [kind('management-port', 0.25, 0.75)], FACTS).pieces.map(({ kind: name }) => name), ['management-port'])
})

t.test('a set of kinds opens only with at least half the strength of each', async (t) => {
  const opens = (newUse: number | null, mapper: number) => nameEvidence(LATERAL, [kind('new-use', 1, newUse), kind('remote-procedure', 2, mapper)], FACTS).mayOpen
  t.ok(opens(0.5, 1))
  t.notOk(opens(0.4, 1))
  t.notOk(opens(null, 1))
  t.notOk(opens(-1, 1))
})
