import fc from 'fast-check'
import t from 'tap'
import { CLASSES, techniqueOf } from '../../../src/core/classes.ts'
import type { Forging } from '../../../src/core/evidence/forging.ts'
import { EVIDENCE_KINDS } from '../../../src/core/evidence/table.ts'
import { explain } from '../../../src/core/explain/explain.ts'
import { CONTEXT_COLUMNS } from '../../../src/core/tensor/context.ts'
import type { Detection } from '../../../src/core/verdict/detection.ts'
import { RISE_NATS } from '../../../src/core/verdict/moment.ts'
import { loadVerdict, saveVerdict } from '../../../src/core/verdict/saved-verdict.ts'
import type { Score } from '../../../src/core/verdict/score.ts'
import { emptyVerdict, type VerdictState } from '../../../src/core/verdict/state.ts'
import { step, type VerdictEffect } from '../../../src/core/verdict/verdict.ts'
import type { WindowKey } from '../../../src/core/window/window.ts'
import { madeScore, MODEL, T0 } from './made-score.ts'

const FLOOD: WindowKey = { kind: 'fan-in', destination: '10.0.0.9' }
const FORGER: Forging = { pod: 'shop/forger', addresses: ['10.0.0.7'], packets: 60_000 }

/** The n-th half second of a flood on 10.0.0.9: how sure the model is, of how many connection requests, and whether anything is sent over them. */
interface Burst { n: number, sure: number, syns?: number, used?: boolean }

function burst ({ n, sure, syns = 300, used = true }: Burst): Score {
  const made = madeScore({}, { key: FLOOD, endMs: T0 + 500 * n, features: { syn_count: syns, flow_count: syns, bytes_sent: used ? 100 * syns : 0 } })
  return { ...made, probabilities: Float32Array.from(CLASSES, (name) => name === 'SYN_FLOOD' ? sure : name === 'BENIGN' ? 1 - sure : 0), context: new Float32Array(CONTEXT_COLUMNS.length) }
}

class Bench {
  readonly state: VerdictState
  forging: readonly Forging[] = []
  /** Scores that the detector would be asked about. */
  readonly asked: Score[] = []
  #ids = 0

  constructor (state = emptyVerdict()) {
    this.state = state
    this.step({ type: 'model', model: { ...MODEL, classes: [...CLASSES], thresholds: CLASSES.map((name) => name === 'BENIGN' ? 1 : 0.9) } })
  }

  /** The detection after these. */
  after (...bursts: Burst[]): Detection {
    let told: Detection | null = null
    for (const each of bursts) {
      const score = burst(each)
      for (const { detection, isShown } of this.step({ type: 'score', score }, score.receivedAtMs)) {
        told = detection
        if (isShown && detection.phase === 'open') this.asked.push(score)
      }
    }
    if (told === null) throw new Error('nothing was told')
    return told
  }

  /** The detection after the detector answered what it was asked of a score. */
  answered (id: string, score: Score): Detection | undefined {
    const found = { path: [{ feature: 'syn_count', left: 0.1 }], windows: [], counterfactual: null, nearest: null }
    const evidence = [{ feature: 'syn_count', value: score.window.features[3] ?? 0, usual: 1, usualFrom: 'training', contribution: 0.9 } as const]
    return this.step({ type: 'explained', detection: id, explanation: explain({ className: 'SYN_FLOOD', technique: techniqueOf('SYN_FLOOD'), score, evidence, found }) })[0]?.detection
  }

  step (event: Parameters<typeof step>[1], nowMs = T0): readonly VerdictEffect[] {
    return step(this.state, event, { nowMs, newId: () => `id${this.#ids++}`, whois: () => null, standsForMany: () => false, unfamiliar: () => null, foundAtAdmission: () => null, forging: () => this.forging })
  }
}

const synsOf = ({ explanation }: Detection): number | undefined => explanation.evidence.find(({ feature }) => feature === 'syn_count')?.value
const kindsOf = ({ explanation: { named = [] } }: Detection): string[] => named.map(({ kind }) => kind)

t.test('a detection is explained by its strongest moment: what comes later and is stronger takes the place of what opened it', async (t) => {
  const bench = new Bench()
  const opened = bench.after({ n: 1, sure: 0.99, syns: 300 })
  t.equal(synsOf(opened), 300)
  const stronger = bench.after({ n: 2, sure: 0.9999, syns: 20_000 })
  t.equal(synsOf(stronger), 20_000)
  t.match(stronger.explanation.sentence, /20,000 connection requests/)
  t.equal(stronger.explanation.tensor.at(-1)?.[3], 20_000, 'the windows that are shown are its own')
  const weaker = bench.after({ n: 3, sure: 0.99, syns: 100 })
  t.equal(synsOf(weaker), 20_000)
  t.equal(weaker.count, 3)
  t.strictSame(bench.asked.map(({ windowNumber }) => windowNumber), [T0 / 500, T0 / 500 + 1], 'the detector is asked about the two that were shown')
})

t.test('forged packets that are told after it opened are in it, beside whatever moment is shown', async (t) => {
  const bench = new Bench()
  t.strictSame(kindsOf(bench.after({ n: 1, sure: 0.999 })), ['missing'], 'at first there is nothing but that the mark of a flood is missing')
  bench.forging = [FORGER]
  const weaker = bench.after({ n: 2, sure: 0.99, syns: 100 })
  t.match(weaker.explanation.named, [{ kind: 'forged-packets', nats: 1.5, sentence: /60,000 packets left shop\/forger/ }, { kind: 'missing' }])
  t.equal(synsOf(weaker), 300, 'while the moment that is shown is the stronger one')
  bench.forging = []
  const later = bench.after({ n: 3, sure: 0.99, syns: 100 })
  t.strictSame(kindsOf(later), ['forged-packets', 'missing'], 'also when they have ended')
  t.equal(bench.asked.length, 1)
})

t.test('a kind that joins in a stronger moment shows it, and what was missing in one moment is not missing any more', async (t) => {
  const bench = new Bench()
  bench.after({ n: 1, sure: 0.99 })
  bench.forging = [{ ...FORGER, packets: 300 }]
  const joined = bench.after({ n: 2, sure: 0.99, syns: 400 })
  t.equal(synsOf(joined), 400, 'stronger by less than a nat, with a new kind')
  const found = bench.after({ n: 3, sure: 0.99, syns: 900, used: false })
  t.notOk(kindsOf(found).includes('missing'))
  const lacking = bench.after({ n: 4, sure: 0.99, syns: 900 })
  t.strictSame(kindsOf(lacking), kindsOf(found))
})

t.test('an answer about a moment that is not shown any more changes nothing; one about the shown moment keeps the evidence', async (t) => {
  const bench = new Bench()
  const { id } = bench.after({ n: 1, sure: 0.99 })
  bench.forging = [FORGER]
  bench.after({ n: 2, sure: 0.9999, syns: 20_000 })
  const [first, second] = bench.asked
  if (first === undefined || second === undefined) throw new Error('two are to be asked')
  t.equal(bench.answered(id, first), undefined)
  const answered = bench.answered(id, second)
  t.match(answered?.explanation, { path: [{ feature: 'syn_count' }], evidence: [{ contribution: 0.9, value: 20_000 }], named: [{ kind: 'forged-packets' }, {}] })
  const restarted = new Bench(loadVerdict(JSON.parse(JSON.stringify(saveVerdict(bench.state))), answered === undefined ? [] : [answered]).state)
  const after = restarted.after({ n: 3, sure: 0.99, syns: 100 })
  t.strictSame([after.id, synsOf(after), restarted.asked.length], [id, 20_000, 0], 'a restart does not forget how strong it was')
})

t.test('a steady attack asks the detector once, and no attack, however long and whatever it does, more than its log-odds have steps', async (t) => {
  const steady = new Bench()
  steady.after(...Array.from({ length: 1_200 }, (_, i) => ({ n: i + 1, sure: 0.99 })))
  t.equal(steady.asked.length, 1)
  const most = 20 / RISE_NATS + EVIDENCE_KINDS.length
  fc.assert(fc.property(fc.array(fc.record({ odds: fc.double({ min: 0, max: 17, noNaN: true }), used: fc.boolean(), packets: fc.integer({ min: 0, max: 4_000 }) }), { minLength: 100, maxLength: 400 }), (windows) => {
    const bench = new Bench()
    for (const [i, { odds, used, packets }] of windows.entries()) {
      bench.forging = [{ ...FORGER, packets }]
      const score = burst({ n: i + 1, sure: 1 / (1 + Math.exp(-odds)), used })
      for (const { detection, isShown } of bench.step({ type: 'score', score }, score.receivedAtMs)) if (isShown && detection.phase === 'open') bench.asked.push(score)
    }
    return bench.asked.length <= most
  }), { numRuns: 50 })
})
