import t from 'tap'
import { agreementOf, sourceEvidence } from '../../../src/core/verdict/source-evidence.ts'
import { ATTACKER, madeScore, VICTIM, type Made } from './made-score.ts'

const SOURCE = { uid: 'u7', namespace: 'shop', name: 'web-7', addresses: ['10.0.0.7'], labels: {}, node: 'n1' }
const ANSWERED = { features: { flow_count: 40, bytes_received: 900 }, counters: { tcp_packets: 200 } }
const REAL = { completedHandshake: true, confirmedByOwnObserver: false }
const CONFIRMED = { completedHandshake: false, confirmedByOwnObserver: true }
const NEITHER = { completedHandshake: false, confirmedByOwnObserver: false }

t.test('a source is proved for every row of the table', async (t) => {
  const rows: readonly [string, Made, { completedHandshake: boolean, confirmedByOwnObserver: boolean }, boolean | null][] = [
    ['its own observer saw it begin them', { reporter: ATTACKER }, CONFIRMED, true],
    ['its own observer saw answers that it never asked for, beside honest flows', { ...ANSWERED, reporter: ATTACKER, unproved: 38 }, NEITHER, false],
    ['payload came back in all flows', { ...ANSWERED, reporter: VICTIM }, REAL, true],
    ['in all but one of twenty', { ...ANSWERED, reporter: VICTIM, unproved: 2 }, REAL, true],
    ['forged flows beside honest ones', { ...ANSWERED, reporter: VICTIM, unproved: 38 }, NEITHER, null],
    ['even where the newest window is honest', { ...ANSWERED, reporter: VICTIM, run: 3, unproved: 40 }, NEITHER, null],
    ['nothing came back', { reporter: VICTIM, features: { flow_count: 40 }, counters: { tcp_packets: 80 } }, NEITHER, null],
    ['bytes came back that may have been UDP\'s', { ...ANSWERED, counters: { tcp_packets: 200, udp_packets: 2 }, reporter: VICTIM }, NEITHER, null],
    ['no flow at all', { reporter: ATTACKER, features: { flow_count: 0 } }, NEITHER, false],
    ['a replay', { reporter: VICTIM, simulated: true, unproved: 40 }, CONFIRMED, true],
  ]
  for (const [name, made, wanted, agrees] of rows) {
    t.strictSame(sourceEvidence(madeScore({}, made), SOURCE, false), { ...wanted, standsForMany: false }, name)
    t.equal(agreementOf(madeScore({}, made), SOURCE), agrees, name)
  }
})
