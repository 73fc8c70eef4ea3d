import t from 'tap'
import { follow, type At } from './follow.ts'
import { icmp, tcp, udp } from './packet-builder.ts'

const CLIENT = '10.0.0.1:40000'
const SERVER = '10.0.0.2:443'

const up = (at: number, flags: string, payload = 0): At => ({ at, packet: tcp({ from: CLIENT, to: SERVER, flags, payload }) })
const down = (at: number, flags: string, payload = 0): At => ({ at, packet: tcp({ from: SERVER, to: CLIENT, flags, payload }) })
const handshake = [up(0, 'S'), down(10, 'SA'), up(20, 'A')]
const ask = (at: number): At => ({ at, packet: udp({ from: CLIENT, to: SERVER, payload: 20 }) })
const answer = (at: number, payload = 20): At => ({ at, packet: udp({ from: SERVER, to: CLIENT, payload }) })
const ping = (at: number): At => ({ at, packet: icmp({ from: CLIENT, to: SERVER, type: 8, identifier: 7, payload: 32 }) })
/** An ICMP error from a router about one packet, quoting no more than it must. */
const refuse = (at: number, about: At, { to = '10.0.0.1', type = 3, code = 1 } = {}): At =>
  ({ at, packet: icmp({ from: '10.0.0.254', to, type, code, quote: about.packet.subarray(0, 28) }) })

const cases: Readonly<Record<string, { packets: readonly At[], decided: readonly string[] }>> = {
  'a SYN answered by RST failed at the RST': { packets: [up(0, 'S'), down(700, 'RA')], decided: ['failed@700'] },
  'a SYN without answer failed after a second': { packets: [up(300, 'S')], decided: ['failed@1300', 'unanswered:1@1300'] },
  'a SYN sent again does not put the failure off': { packets: [up(0, 'S'), up(900, 'S'), up(1_020, 'S')], decided: ['failed@1000', 'unanswered:1@1000'] },
  'an answer after a second does not undo the failure': { packets: [up(0, 'S'), down(1_600, 'SA'), up(1_610, 'A'), down(1_620, 'A', 5)], decided: ['failed@1000', 'unanswered:1@1000'] },
  'a SYN answered by ICMP failed': { packets: [up(0, 'S'), refuse(600, up(0, 'S'))], decided: ['failed@600'] },
  'a SYN whose time to live ran out failed': { packets: [up(0, 'S'), refuse(600, up(0, 'S'), { type: 11, code: 0 })], decided: ['failed@600'] },
  'an ICMP that asks for smaller packets refuses nothing': { packets: [...handshake, refuse(600, up(0, 'A', 900), { code: 4 }), down(650, 'A', 5)], decided: ['succeeded@650'] },
  'the responder\'s first byte makes it succeed': { packets: [...handshake, up(30, 'A', 9), down(600, 'A', 5), down(610, 'A', 5)], decided: ['succeeded@600'] },
  'a handshake that lives longer than a second succeeded then': { packets: handshake, decided: ['succeeded@1020'] },
  'a responder that closes within a second without a byte failed it': { packets: [...handshake, up(30, 'A', 9), down(600, 'FA')], decided: ['failed@600'] },
  'so does one that resets it': { packets: [...handshake, down(600, 'R')], decided: ['failed@600'] },
  'a responder that sends a byte with its FIN did not fail it': { packets: [...handshake, down(600, 'FA', 1)], decided: ['succeeded@600'] },
  'a responder that closes later did not fail it': { packets: [...handshake, down(1_400, 'FA')], decided: ['succeeded@1020'] },
  'a client that looks in and closes decides nothing': { packets: [...handshake, up(30, 'FA'), down(40, 'FA'), up(50, 'A')], decided: [] },
  'a client that resets a fresh connection decides nothing': { packets: [...handshake, up(30, 'RA')], decided: [] },
  'a SYN-ACK that is never acknowledged is half open': { packets: [up(0, 'S'), down(10, 'SA')], decided: ['half-open@1010'] },
  'and counts once, however often the SYN-ACK is sent again': { packets: [up(0, 'S'), down(10, 'SA'), down(1_030, 'SA'), down(3_050, 'SA')], decided: ['half-open@1010'] },
  'a SYN-ACK answered by RST is half open at once': { packets: [up(0, 'S'), down(10, 'SA'), up(20, 'R')], decided: ['half-open@20'] },
  'an orphan SYN-ACK is the half-open attempt of its receiver': { packets: [down(0, 'SA')], decided: ['half-open@1000'] },
  'and counts once, too': { packets: [down(0, 'SA'), down(2_000, 'SA')], decided: ['half-open@1000'] },
  'a FIN probe answered by RST failed': { packets: [up(0, 'F'), down(10, 'RA')], decided: ['failed@10'] },
  'a NULL probe answered by RST failed': { packets: [up(0, ''), down(10, 'RA')], decided: ['failed@10'] },
  'an XMAS probe refused by ICMP failed': { packets: [up(0, 'FPU'), refuse(10, up(0, 'FPU'))], decided: ['failed@10'] },
  'a probe without answer is undecided': { packets: [up(0, 'F')], decided: [] },
  'a stream seen from the middle was no attempt': { packets: [up(0, 'A', 9), down(10, 'A', 9), down(20, 'R')], decided: [] },
  'an answer by UDP succeeded': { packets: [ask(0), answer(700), ask(800), answer(810)], decided: ['succeeded@700'] },
  'UDP refused by ICMP failed': { packets: [ask(0), refuse(700, ask(0), { code: 3 })], decided: ['failed@700'] },
  'an ICMP about the answer does not fail the question': { packets: [ask(0), answer(10), refuse(600, answer(10), { to: '10.0.0.2', code: 3 })], decided: ['succeeded@10'] },
  'UDP without answer is unanswered and undecided': { packets: [ask(0), ask(100), ask(2_000)], decided: ['unanswered:2@1000', 'unanswered:1@2000'] },
  'UDP that was ever answered has no unanswered packets': { packets: [ask(0), answer(10, 0), ask(100), ask(2_000)], decided: [] },
  'a ping is no attempt': { packets: [ping(0), refuse(10, ping(0))], decided: [] },
}

t.test('an attempt is decided as, and when, the contract says', (t) => {
  for (const [name, { packets, decided }] of Object.entries(cases)) t.strictSame(follow(packets).events, decided, name)
  t.end()
})

t.test('what is not decided when time ends stays undecided', (t) => {
  t.strictSame(follow([up(0, 'S')], { until: 900 }).events, [])
  t.end()
})
