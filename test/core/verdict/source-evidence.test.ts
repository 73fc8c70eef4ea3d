import t from 'tap'
import { sourceEvidence } from '../../../src/core/verdict/source-evidence.ts'
import { QUALITY } from '../../../src/core/window/window.ts'
import { ATTACKER, madeScore, VICTIM, type Made } from './made-score.ts'

const SOURCE = { uid: 'u7', namespace: 'shop', name: 'web-7', addresses: ['10.0.0.7'], labels: {}, node: 'n1' }
const SILENT = { bytes_sent: 0, iat_mean_ms: 0 }

t.test('a source is proved for every row of the table', async (t) => {
  const rows: readonly [string, Made, { completedHandshake: boolean, confirmedByOwnObserver: boolean }][] = [
    ['payload came back over TCP', { reporter: VICTIM, features: { ...SILENT, bytes_received: 1 }, counters: { tcp_packets: 4 } }, { completedHandshake: true, confirmedByOwnObserver: false }],
    ['its observer saw it send payload', { reporter: ATTACKER, features: { ...SILENT, bytes_sent: 1 } }, { completedHandshake: false, confirmedByOwnObserver: true }],
    ['its observer saw it begin twice', { reporter: ATTACKER, features: { ...SILENT, iat_mean_ms: 4 } }, { completedHandshake: false, confirmedByOwnObserver: true }],
    ['its observer saw answers that nobody asked for', { reporter: ATTACKER, features: { ...SILENT, flow_count: 136, rst_count: 170, ack_count: 170, unique_ports: 136 }, counters: { packets_received: 136, packets_sent: 34, tcp_packets: 170 } }, { completedHandshake: false, confirmedByOwnObserver: false }],
    ['a SYN may be the other end\'s', { reporter: ATTACKER, features: { ...SILENT, syn_count: 1, rst_count: 1 }, counters: { packets_received: 1, packets_sent: 1, tcp_packets: 2 } }, { completedHandshake: false, confirmedByOwnObserver: false }],
    ['another\'s observer saw it', { reporter: VICTIM }, { completedHandshake: false, confirmedByOwnObserver: false }],
    ['a replay', { reporter: VICTIM, simulated: true, features: SILENT }, { completedHandshake: false, confirmedByOwnObserver: true }],
  ]
  for (const [name, made, wanted] of rows) t.strictSame(sourceEvidence(madeScore({}, made), SOURCE, false), { ...wanted, standsForMany: false }, name)
  const sockets = madeScore({}, { reporter: ATTACKER, features: SILENT })
  t.match(sourceEvidence({ ...sockets, window: { ...sockets.window, quality: QUALITY.flagsMissing } }, SOURCE, false), { confirmedByOwnObserver: true }, 'who sees sockets sees no such answers')
})
