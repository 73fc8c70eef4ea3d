import t from 'tap'
import type { AttackClass } from '../../src/core/classes.ts'
import { faultsOf } from './faults.ts'
import type { AttackLabel } from './labels.ts'

interface Case { says: string, fault: RegExp | null, packets?: number, dropped?: number, lostShare?: number, attack?: { class: AttackClass, sent: number, seconds: number, rate: number | null } }

const labelled = ({ class: name, sent, seconds, rate }: NonNullable<Case['attack']>): AttackLabel => ({
  class: name,
  rate,
  sentAs: 'raw packets',
  packets: sent * 2,
  firstPacketMs: 1000,
  lastPacketMs: 1000 + seconds * 1000,
  legs: [{ source: '*', destination: '10.0.0.2', protocol: 'tcp', ports: [80], kind: 'fan-in', role: 'direct', packets: sent * 2, sent, firstPacketMs: 1000, lastPacketMs: 2000, timeline: [] }],
  id: 'a-1',
  tool: 'hping3',
  service: 'any',
  manner: 'plain',
  command: 'hping3 -S',
  attacker: '10.0.0.1',
  attackers: ['10.0.0.1'],
  victims: ['10.0.0.2'],
  spoofed: true,
  startedMs: 1000,
  endedMs: 2000,
  residueUntilMs: null,
})

const flood = (sent: number, rate: number | null, seconds = 10) => ({ class: 'SYN_FLOOD' as const, sent, seconds, rate })

const CASES: readonly Case[] = [
  { says: 'nothing lost, nobody late', fault: null },
  { says: 'one packet of a thousand lost', dropped: 10, fault: null },
  { says: 'more than that', dropped: 11, fault: /^tcpdump lost 11 of 10000 packets: the machine is too busy/ },
  { says: 'a fiftieth of the time lost', lostShare: 0.02, fault: null },
  { says: 'more than that', lostShare: 0.031, fault: /^3\.1 % of the time went in pauses of up to 700 ms: the machine is too busy/ },
  { says: 'an attack that sent nothing', attack: flood(0, 50), fault: /^hping3 \('hping3 -S'\) sent nothing/ },
  { says: 'a flood at half of its rate, with as many answers', attack: flood(5000, 1000), fault: null },
  { says: 'a flood below half of its rate, with as many answers', attack: flood(4900, 1000), fault: /^hping3 sent 490 packets a second, and was asked for 1000/ },
  { says: 'a flood of a moment, which no second holds', attack: flood(40, 60, 0.3), fault: null },
  { says: 'a flood at its own pace', attack: flood(10, null), fault: null },
  { says: 'a scan below the most that it may send', attack: { class: 'PORT_SCAN', sent: 10, seconds: 10, rate: 1000 }, fault: null },
]

t.test('where nobody learns or judges by a run its pace is no fault, and what it lost is', (t) => {
  const of = (droppedByKernel: number) => faultsOf({ attacks: [labelled(flood(4900, 1000))], capture: { packets: 10_000, droppedByKernel, snapBytes: 96, time: { lostShare: 0.5, mostLateMs: 700 } } }, false)
  t.same(of(0), [])
  t.match(of(11), [/^tcpdump lost 11 of 10000 packets/])
  t.end()
})

t.test('a run is refused where its labels would not say what happened', (t) => {
  for (const { says, fault, packets = 10_000, dropped = 0, lostShare = 0, attack } of CASES) {
    const faults = faultsOf({ attacks: attack === undefined ? [] : [labelled(attack)], capture: { packets, droppedByKernel: dropped, snapBytes: 96, time: { lostShare, mostLateMs: 700 } } })
    t.equal(faults.length, fault === null ? 0 : 1, `${says}: ${faults.join()}`)
    if (fault !== null) t.match(faults[0], fault, says)
  }
  t.end()
})
