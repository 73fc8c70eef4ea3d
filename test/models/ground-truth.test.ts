import t from 'tap'
import { CLASSES } from '../../src/core/classes.ts'
import type { Window, WindowKey } from '../../src/core/window/window.ts'
import { covers } from '../../models/training/address-range.ts'
import { withOwn } from '../../models/training/class-list.ts'
import { GroundTruth } from '../../models/training/ground-truth.ts'
import { ANY_FORGED, parseRunLabels, type Attack, type Leg } from '../../models/training/run-labels.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'

const START = 3_000_000 // number of a 0.5 s window

const window = (key: WindowKey, packets: number, options: { after?: number, port?: number, stepMs?: 500 | 15_000 } = {}): Window => {
  const { after = 0, port = 22, stepMs = 500 } = options
  return syntheticWindow({ key, stepMs, number: Math.floor((START + after) * 500 / stepMs), counters: { packets_sent: packets }, ports: [{ port, packets }] })
}
const pair = (source: string, destination: string): WindowKey => ({ kind: 'pair', source, destination })
const attack = (name: string, legs: readonly Leg[], seconds = 5): Attack =>
  ({ class: name, enoughPackets: null, tool: 'a tool', service: 'any', manner: 'plain', rate: null, sentAs: null, legs, firstPacketMs: START * 500, lastPacketMs: START * 500 + seconds * 1000, residueUntilMs: START * 500 + seconds * 1000 })
const truthOf = (attacks: readonly Attack[], windows: readonly Window[], suspects: readonly string[] = [], classes: readonly string[] = CLASSES): GroundTruth =>
  new GroundTruth({ run: 'r', scenario: 's', startedMs: START * 500, holdout: false, benign: [], pods: new Set(['a', 'b', 'c', 'v']), suspects: new Set(suspects), attacks }, windows, classes)
const called = (truth: GroundTruth, newest: Window, packets: number, classes: readonly string[] = CLASSES): string | null => {
  const verdict = truth.verdict(newest, packets)
  return verdict && (classes[verdict.label] ?? '?')
}

t.test('a pair is the attack of its leg once enough of its packets are inside, and before that no example', (t) => {
  const first = window(pair('a', 'v'), 35)
  const second = window(pair('a', 'v'), 35, { after: 1 })
  const truth = truthOf([attack('BRUTE_FORCE', [{ source: 'a', destination: 'v', ports: [22] }])], [first, second])
  t.equal(called(truth, first, 35), null)
  t.equal(called(truth, second, 70), 'BRUTE_FORCE')
  t.equal(called(truth, window(pair('a', 'v'), 5, { after: 20 }), 40), null, 'only the second is still in the span')
  t.equal(called(truth, window(pair('a', 'v'), 5, { after: 40 }), 5), 'BENIGN', 'the attack has left the span')
  t.equal(called(truth, window(pair('b', 'v'), 99), 99), 'BENIGN', 'another client of the victim')
  t.end()
})

t.test('what the pair does on other ports or at other times is not the attack', (t) => {
  const web = window(pair('a', 'v'), 50, { port: 80 })
  const late = window(pair('a', 'v'), 50, { after: 30 })
  const truth = truthOf([attack('BRUTE_FORCE', [{ source: 'a', destination: 'v', ports: [22] }])], [web, late])
  t.equal(called(truth, web, 50), 'BENIGN')
  t.equal(called(truth, late, 50), 'BENIGN')
  t.end()
})

t.test('what was counted by flow is the attack\'s, and what the pair says beside it on the same port is not', (t) => {
  const busy = window(pair('a', 'v'), 900)
  const counted = truthOf([attack('BRUTE_FORCE', [{ source: 'a', destination: 'v', ports: [22], timeline: [[0, 20], [1, 39]] }])], [busy])
  t.equal(called(counted, window(pair('a', 'v'), 900, { after: 1 }), 1800), null, '59 packets of 1,800 are too few')
  const more = truthOf([attack('BRUTE_FORCE', [{ source: 'a', destination: 'v', ports: [22], timeline: [[0, 20], [1, 40]] }])], [busy])
  t.equal(called(more, window(pair('a', 'v'), 900, { after: 1 }), 1800), 'BRUTE_FORCE')
  t.end()
})

t.test('a scan is found by its source\'s fan, and the victim\'s fan is no example', (t) => {
  const windows = [window(pair('a', 'v'), 30, { port: 1 }), window(pair('a', 'c'), 30, { port: 2 })]
  const truth = truthOf([attack('PORT_SCAN', [{ source: 'a', destination: 'v', ports: null }, { source: 'a', destination: 'c', ports: null }])], windows)
  t.equal(called(truth, window({ kind: 'fan-out', source: 'a' }, 60), 60), 'PORT_SCAN')
  t.equal(called(truth, window({ kind: 'fan-out', source: 'a' }, 600), 600), null, 'a tenth of what the source does')
  t.equal(called(truth, window({ kind: 'fan-in', destination: 'v' }, 60), 60), null)
  t.end()
})

t.test('a flood of forged sources is found by its victim\'s fan alone', (t) => {
  const flood = window({ kind: 'fan-in', destination: 'v' }, 500, { port: 80 })
  const forged = window(pair('198.18.0.1', 'v'), 1, { port: 80 })
  const truth = truthOf([attack('SYN_FLOOD', [{ source: ANY_FORGED, destination: 'v', ports: [80] }])], [flood, forged])
  t.equal(called(truth, flood, 500), 'SYN_FLOOD')
  t.equal(called(truth, forged, 1), null)
  t.equal(called(truth, window(pair('b', 'v'), 10, { port: 80 }), 10), 'BENIGN', 'a pod\'s own address is not forged')
  t.end()
})

t.test('guessing at many targets is found by the fan, a hop never', (t) => {
  const windows = ['b', 'c', 'v'].map((target) => window(pair('a', target), 20))
  const legs = ['b', 'c', 'v'].map((destination) => ({ source: 'a', destination, ports: [22] }))
  const fan = window({ kind: 'fan-out', source: 'a' }, 60)
  t.equal(called(truthOf([attack('BRUTE_FORCE', legs)], windows), fan, 60), 'BRUTE_FORCE')
  t.equal(called(truthOf([attack('LATERAL_MOVEMENT', legs)], windows), fan, 60), null)
  t.end()
})

t.test('longer steps count what their shorter windows hold', (t) => {
  const windows = Array.from({ length: 10 }, (_, after) => window(pair('a', 'v'), 7, { after }))
  const truth = truthOf([attack('DATA_EXFILTRATION', [{ source: 'a', destination: 'v', ports: null }])], windows)
  t.equal(called(truth, window(pair('a', 'v'), 70, { stepMs: 15_000 }), 70), 'DATA_EXFILTRATION')
  t.end()
})

t.test('a swept range holds every address but the pods', (t) => {
  const windows = [window(pair('a', '10.0.0.9'), 20, { port: 80 })]
  const truth = truthOf([attack('PORT_SCAN', [{ source: 'a', destination: '10.0.0.0/28', ports: null }])], windows)
  t.equal(called(truth, window(pair('a', '10.0.0.9'), 20, { port: 80 }), 20), 'PORT_SCAN')
  for (const [address, inside] of [['10.0.0.15', true], ['10.0.0.16', false], ['fe80::1', false], ['255.255.255.255', false]] as const) t.equal(covers('10.0.0.0/28', address), inside, address)
  t.end()
})

t.test('where an attacker\'s other traffic is unknown, it is neither', (t) => {
  const windows = [window(pair('a', 'b'), 20), window(pair('c', 'b'), 20)]
  const truth = truthOf([attack('LATERAL_MOVEMENT', [{ source: 'a', destination: 'v', ports: null }])], windows, ['a'])
  t.equal(called(truth, window(pair('a', 'b'), 20), 20), null)
  t.equal(called(truth, window({ kind: 'fan-in', destination: 'b' }, 20), 20), null)
  t.equal(called(truth, window(pair('c', 'b'), 20), 20), 'BENIGN')
  t.end()
})

t.test('a class of somebody\'s own is called so where the classes have it, and is no example where they lack it', (t) => {
  const windows = ['b', 'c', 'v'].map((target) => window(pair('a', target), 20))
  const beacons = attack('CUSTOM_ATTACK_BEACON', ['b', 'c', 'v'].map((destination) => ({ source: 'a', destination, ports: null })))
  const classes = withOwn(['CUSTOM_ATTACK_BEACON'])
  const one = window(pair('a', 'v'), 20)
  const fan = window({ kind: 'fan-out', source: 'a' }, 60)
  const truth = truthOf([beacons], windows, [], classes)
  t.equal(called(truth, one, 20, classes), null, 'fewer than 30 of its packets')
  t.equal(called(truth, fan, 60, classes), 'CUSTOM_ATTACK_BEACON', 'three targets show in the source\'s fan')
  t.equal(called(truthOf([{ ...beacons, enoughPackets: 5 }], windows, [], classes), one, 20, classes), 'CUSTOM_ATTACK_BEACON', 'the labels say how few are enough')
  t.equal(called(truthOf([{ ...beacons, enoughPackets: 5 }], windows), one, 20), null, 'a model without the class is not asked')
  t.end()
})

t.test('labels that are not a run\'s are refused with their place', (t) => {
  t.throws(() => parseRunLabels('{"run": 1}', 'x.labels.json'), { code: 'BAD_DATA', message: /x\.labels\.json is not the labels of a run/ })
  t.throws(() => parseRunLabels('{"run"', 'x.labels.json'), { code: 'BAD_DATA', message: /x\.labels\.json is not JSON.*README/ })
  t.throws(() => parseRunLabels('{"run": "r", "attacks": [{"class": "two words"}]}', 'x'), { message: /\/attacks\/0/ })
  t.throws(() => parseRunLabels('{"run": "r", "attacks": [{"class": "BENIGN", "firstPacketMs": 1, "lastPacketMs": 2, "legs": []}]}', 'x'), { message: /\/attacks\/0\/class is BENIGN/ })
  const silent = { class: 'PORT_SCAN', tool: 'nmap', firstPacketMs: null, lastPacketMs: null, residueUntilMs: null, legs: [] }
  t.same(parseRunLabels(JSON.stringify({ run: 'r', scenario: 's', startedMs: START * 500, holdout: false, benign: [], pods: [], attacks: [silent] }), 'x').attacks, [], 'an attack that sent nothing is none')
  t.end()
})
