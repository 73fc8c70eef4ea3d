import t from 'tap'
import type { Forging } from '../../../src/core/evidence/forging.ts'
import { FORGED_PACKETS } from '../../../src/core/evidence/kinds/forged-packets.ts'
import { CONTEXT_COLUMNS } from '../../../src/core/tensor/context.ts'
import { factsOf } from '../../../src/core/verdict/facts-of.ts'
import { emptyVerdict } from '../../../src/core/verdict/state.ts'
import { madeScore, PAIR, type Made } from '../verdict/made-score.ts'

const FLOODED = { kind: 'fan-in', destination: '10.0.0.9' } as const
const forging = (packets: number): Forging => ({ pod: 'shop/web-7', addresses: ['10.0.0.7'], packets })

function found (made: Made, all: readonly Forging[]) {
  const score = { ...madeScore({}, made), context: new Float32Array(CONTEXT_COLUMNS.length) }
  const facts = factsOf(emptyVerdict(), score, { whois: () => null, foundAtAdmission: () => null, forging: () => all })
  return facts === null ? null : FORGED_PACKETS.find(facts)
}

t.test('a flood at a victim is weighed with the forged packets of whatever pod sends most, which is named', async (t) => {
  t.match(found({ key: FLOODED }, [forging(12_000), { pod: 'shop/other', addresses: [], packets: 400 }]), {
    strength: 1, sentence: '12,000 packets left shop/web-7 within the last minute under addresses that are not its own, while 10.0.0.9 is sent packets by sources that nobody can prove',
  })
  t.match(found({ key: FLOODED }, [forging(300)]), { strength: 0.25 })
  t.equal(found({ key: FLOODED }, [forging(299)]), null)
  t.equal(found({ key: FLOODED }, []), null)
})

t.test('a source that is known to be real has only its own forged packets held against it', async (t) => {
  const other: Forging = { pod: 'shop/other', addresses: ['10.0.0.8'], packets: 12_000 }
  t.equal(found({ key: PAIR }, [other]), null)
  t.match(found({ key: PAIR, unproved: 3 }, [other]), { strength: 1, sentence: /12,000 packets left shop\/other .* 10\.0\.0\.7, which nobody can prove$/ })
  t.match(found({ key: PAIR }, [other, forging(4_000)]), { strength: 1, sentence: /4,000 packets left shop\/web-7 .* 10\.0\.0\.7 sends under its own address, too$/ })
  t.equal(found({ key: { kind: 'fan-out', source: '10.0.0.5' } }, [other]), null)
})

t.test('what pods do now says nothing of a replay', async (t) => {
  t.equal(found({ key: FLOODED, simulated: true }, [forging(12_000)]), null)
})
