import t from 'tap'
import { curveOf } from '../../../models/evaluation/curves.ts'
import type { AttackOutcome, RunOutcome } from '../../../models/evaluation/judge-run.ts'
import { reportOf } from '../../../models/evaluation/report.ts'
import { quantileOf, tallyOf } from '../../../models/evaluation/tally.ts'
import { sampleDetection } from '../../adapters/store/samples.ts'

const attacked = (delaySeconds: number | null, otherwise: readonly string[] = [], manner = 'plain'): AttackOutcome => ({
  attack: { class: 'PORT_SCAN', enoughPackets: null, tool: 'nmap', service: 'any', manner, rate: 40, sentAs: null, firstPacketMs: 0, lastPacketMs: 1, residueUntilMs: 1, legs: [] },
  found: delaySeconds === null ? null : { detection: sampleDetection('d1'), delaySeconds },
  otherwise,
})
const run = (changes: Partial<RunOutcome>): RunOutcome => ({ run: 'r', source: 'lab', attacks: [], falseAlarms: [], benignPairs: 10, hours: 0.5, peaks: [], ...changes })

t.test('attacks count by class and by manner, found only with their own class', async (t) => {
  const tally = tallyOf([run({ attacks: [attacked(2), attacked(null, ['BRUTE_FORCE'])] }), run({ attacks: [attacked(1, [], 'slow')] }), run({ falseAlarms: [sampleDetection('d1')] }), run({})])
  t.same(tally.found.get('PORT_SCAN'), { attacks: 3, found: 2, noticed: 3, delays: [1, 2] })
  t.same(tally.found.get('PORT_SCAN slow'), { attacks: 1, found: 1, noticed: 1, delays: [1] })
  t.equal(tally.confusion.get('PORT_SCAN')?.get('BRUTE_FORCE'), 1)
  t.same([tally.falseAlarms, tally.quietCaptures, tally.quietCapturesAlarmed, tally.hours, tally.pairHours], [1, 2, 1, 2, 20])
})

t.test('the report names what was missed and what was alarmed for nothing', async (t) => {
  const report = reportOf([{ name: 'model m', runs: [run({ attacks: [attacked(null, ['BRUTE_FORCE'])], falseAlarms: [sampleDetection('d1')] })] }, { name: 'rules', runs: [run({})] }], [{ name: 'the model alone', runs: [run({})] }], ['curves.svg'])
  t.match(report, /\| +\| model m \| rules \|/)
  t.match(report, '- PORT_SCAN by nmap at 40/s, plain (r): taken for BRUTE_FORCE')
  t.match(report, sampleDetection('d1').explanation.sentence)
  t.match(report, '| the model alone | 0 of 0 | 0 of 0 |')
})

t.test('a quantile of nothing is none', async (t) => {
  t.equal(quantileOf([1, 2, 3, 4], 0.5), 3)
  t.equal(quantileOf([1, 2], 0.95), 2)
  t.ok(Number.isNaN(quantileOf([], 0.5)))
})

t.test('the area under a curve is the chance that an attack scores above a benign key', async (t) => {
  const peak = (label: number, score: number) => ({ label, peak: Float32Array.of(0, score) })
  const curve = curveOf('PORT_SCAN', 1, [peak(1, 0.9), peak(1, 0.5), peak(0, 0.5), peak(0, 0.1)])
  t.equal(curve?.area, 0.875) // three of four pairs are in order, one is a tie
  t.same(curve?.points.map(({ foundShare, falseShare }) => [foundShare, falseShare]), [[0.5, 0], [1, 0.5], [1, 1]])
  t.equal(curveOf('PORT_SCAN', 1, [peak(0, 0.5)]), null)
})
