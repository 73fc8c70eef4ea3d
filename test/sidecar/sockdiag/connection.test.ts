import t from 'tap'
import { less, most, NOTHING, type Outcome } from '../../../sidecar/connections/tally.ts'
import { ageMs, endOf, outcomeOf, tallyOf, type End } from '../../../sidecar/sockdiag/connection.ts'
import { socket } from './sockets.ts'

const outbound = (state: string, counts = '') => socket(`${state} 10.0.0.1:40000 10.0.0.2:80 sk:1 ${counts}`)
const inbound = (state: string, counts = '') => socket(`${state} 10.0.0.1:80 10.0.0.2:40000 sk:1 ${counts}`)

/** Recorded from a real kernel beside a capture: what the sockets said at their end. */
const REQUEST = 'bytes_sent:83 bytes_acked:85 bytes_received:2152 segs_out:8 segs_in:7 data_segs_out:1 data_segs_in:3'

t.test('a connection that both ends closed tallies what its packets were', async (t) => {
  const socket = outbound('UNCONN', REQUEST)
  const end = endOf(socket, true)
  t.equal(end, 'closed')
  t.same(tallyOf(socket, true, end), { sentBytes: 83, receivedBytes: 2151, sentPackets: 8, receivedPackets: 7, syn: 1, ack: 14, rst: 0, fin: 2 })
})

t.test('the server\'s end of it tallies the same', async (t) => {
  const socket = inbound('UNCONN', 'bytes_sent:2151 bytes_acked:2152 bytes_received:84 segs_out:6 segs_in:8 data_segs_out:3 data_segs_in:1')
  const end = endOf(socket, false)
  t.equal(end, 'closed')
  t.same(tallyOf(socket, false, end), { sentBytes: 83, receivedBytes: 2151, sentPackets: 8, receivedPackets: 7, syn: 1, ack: 14, rst: 0, fin: 2 })
})

t.test('a refused attempt is a SYN and a reset', async (t) => {
  const socket = outbound('UNCONN', 'segs_out:1 segs_in:1 lastsnd:11953740')
  t.equal(endOf(socket, true), 'refused')
  t.same(tallyOf(socket, true, 'refused'), { ...NOTHING, sentPackets: 1, receivedPackets: 1, syn: 1, ack: 1, rst: 1 })
})

t.test('a request that waits for its third packet is a SYN and a SYN-ACK', async (t) => {
  t.same(tallyOf(inbound('SYN-RECV'), false, null), { ...NOTHING, sentPackets: 1, receivedPackets: 1, syn: 1, ack: 1 })
})

t.test('a tally never goes back, and counts nothing twice', async (t) => {
  const [early, late] = [{ ...NOTHING, syn: 3, sentBytes: 5 }, { ...NOTHING, syn: 1, sentBytes: 9 }]
  t.same(less(late, early), { ...NOTHING, sentBytes: 4 })
  t.same(most(late, early), { ...NOTHING, syn: 3, sentBytes: 9 })
})

const OPEN = 'bytes_acked:1 segs_out:2 segs_in:1'
const outcomes: readonly [string, ReturnType<typeof outbound>, boolean, number, End | null, boolean | null, Outcome][] = [
  ['refused', outbound('UNCONN', 'segs_out:1 segs_in:1'), true, 5, 'refused', null, 'failed'],
  ['given up without an answer', outbound('UNCONN', 'segs_out:3'), true, 3_000, 'unanswered', null, 'unanswered'],
  ['a SYN sent just now', outbound('SYN-SENT', 'segs_out:1'), true, 900, null, null, null],
  ['a SYN sent a second ago', outbound('SYN-SENT', 'segs_out:1'), true, 1_000, null, null, 'unanswered'],
  ['a SYN-ACK sent just now', inbound('SYN-RECV'), false, 999, null, null, null],
  ['a SYN-ACK sent a second ago', inbound('SYN-RECV'), false, 1_000, null, null, 'half-open'],
  ['open for less than a second', outbound('ESTAB', OPEN), true, 999, null, null, null],
  ['open for a second', outbound('ESTAB', OPEN), true, 1_000, null, null, 'succeeded'],
  ['answered with payload', outbound('ESTAB', `${OPEN} data_segs_in:1 bytes_received:9`), true, 5, null, null, 'succeeded'],
  ['we answered with payload', inbound('ESTAB', 'data_segs_out:1 bytes_sent:9'), false, 5, null, null, 'succeeded'],
  ['the server closed at once', outbound('UNCONN', 'bytes_acked:2 segs_out:4 segs_in:3'), true, 50, 'closed', false, 'failed'],
  ['we closed at once', outbound('UNCONN', 'bytes_acked:2 segs_out:4 segs_in:3'), true, 50, 'closed', true, null],
  ['our server closed at once', inbound('UNCONN', 'bytes_acked:1 segs_out:2 segs_in:4'), false, 50, 'closed', true, 'failed'],
  ['its client closed at once', inbound('UNCONN', 'bytes_acked:1 segs_out:2 segs_in:4'), false, 50, 'closed', false, null],
  ['closed at once, by whom is not known', outbound('UNCONN', 'bytes_acked:2 segs_out:4 segs_in:3'), true, 50, 'closed', null, null],
  ['the server reset it at once', outbound('UNCONN', 'bytes_acked:1 segs_out:2 segs_in:2'), true, 50, 'reset', false, 'failed'],
  ['we reset it at once', outbound('UNCONN', 'bytes_acked:1 segs_out:3 segs_in:1'), true, 50, 'reset', false, null],
]
for (const [name, socket, isOutbound, age, end, weClosed, expected] of outcomes) {
  t.test(`an attempt is decided as CONTRACTS says: ${name}`, async (t) => {
    t.equal(outcomeOf(socket, isOutbound, age, end, weClosed), expected)
  })
}

t.test('a socket without an acknowledged FIN was reset', async (t) => {
  t.equal(endOf(outbound('UNCONN', 'bytes_sent:10 bytes_acked:11 segs_out:4 segs_in:3'), true), 'reset')
  t.equal(endOf(outbound('UNCONN', 'bytes_sent:20 bytes_retrans:10 bytes_acked:12 segs_out:4 segs_in:3'), true), 'closed', 'what was sent again was acknowledged once')
})

t.test('age is what the socket proves', async (t) => {
  t.equal(ageMs(outbound('ESTAB', `${OPEN} lastsnd:300 lastrcv:120`), true), 300)
  t.equal(ageMs(outbound('SYN-SENT', 'timer:(on,640ms,0) segs_out:1'), true), 360, 'the first timer runs for a second')
  t.equal(ageMs(outbound('SYN-SENT', 'timer:(on,640ms,2) segs_out:3'), true), 0, 'a later one does not tell')
  t.equal(ageMs(outbound('UNCONN', 'segs_out:1 segs_in:1 lastsnd:11953740 lastrcv:11953740'), true), 0, 'times that were never set are the machine\'s uptime')
})
