import t from 'tap'
import { techniqueOf } from '../../../src/core/classes.ts'
import { explain, sourced, type Found } from '../../../src/core/explain/explain.ts'
import type { FeatureEvidence } from '../../../src/core/verdict/detection.ts'
import { TENSOR_SIZE } from '../../../src/core/tensor/tensor-table.ts'
import { FEATURES, type FeatureName, type WindowKey } from '../../../src/core/window/window.ts'

const evidence = (usual: Partial<Record<FeatureName, number>>, contribution: Partial<Record<FeatureName, number>>, usualFrom: 'key' | 'training' = 'key'): FeatureEvidence[] =>
  FEATURES.map((feature) => ({ feature, value: 0, usual: usual[feature] ?? 0, usualFrom, contribution: contribution[feature] ?? 0 }))
    .sort((a, b) => b.contribution - a.contribution)

function score (key: WindowKey, rows: readonly Partial<Record<FeatureName, number>>[], stepMs: 500 | 15_000 | 60_000 = 500): Parameters<typeof explain>[0]['score'] {
  const tensor = new Float32Array(TENSOR_SIZE)
  for (const [index, row] of rows.entries()) tensor.set(FEATURES.map((name) => row[name] ?? 0), (20 - rows.length + index) * FEATURES.length)
  return { key, stepMs, windowNumber: 42, tensor, context: Float32Array.of(1, 0.5) }
}

/** The model named these features, the first most. */
const found = (...features: string[]): Found => ({ path: features.map((feature) => ({ feature, left: 0.1 })), windows: [], counterfactual: null, nearest: null })

const pair: WindowKey = { kind: 'pair', source: '10.0.3.7', destination: '10.0.1.4' }

t.test('the sentence says who did what to whom, beside what is usual, and what it is called', (t) => {
  const scan = score(pair, [{ flow_count: 50, unique_ports: 50, failed_conn_ratio: 0.9 }, {}, { flow_count: 214, unique_ports: 214, failed_conn_ratio: 0.98 }])
  const said = explain({ className: 'PORT_SCAN', technique: techniqueOf('PORT_SCAN'), score: scan, evidence: evidence({ unique_ports: 1 }, { unique_ports: 0.6, failed_conn_ratio: 0.2, flow_count: 0.1 }), found: found('unique_ports', 'failed_conn_ratio', 'flow_count') })
  t.equal(said.sentence, '10.0.3.7 tried 214 different ports of 10.0.1.4 and failed in 94 % of its attempts within 1.5 s; ' +
    'usual for this pair is 1 port and 0 %; this is how Network Service Discovery (ATT&CK T1046) looks.')
  t.equal(said.tensor.length, 20)
  t.same(said.tensor[19]?.[0], 214)
  t.equal(said.windowNumber, 42)
  t.same(said.context, [1, 0.5], 'what the model was given is whole')
  t.end()
})

t.test('sums and what is usual for them are told over the same time', (t) => {
  const out = score(pair, [{ bytes_sent: 40e6 }, { bytes_sent: 44e6 }], 15_000)
  const { sentence } = explain({ className: 'DATA_EXFILTRATION', technique: techniqueOf('DATA_EXFILTRATION'), score: out, evidence: evidence({ bytes_sent: 1200 }, { bytes_sent: 0.9 }, 'training'), found: found('bytes_sent') })
  t.match(sentence, '10.0.3.7 sent 84 MB to 10.0.1.4 within 30 s; usual for a pair in training is 2.4 kB;')
  t.end()
})

t.test('a flood is told from its victim, without a source', (t) => {
  const flood = score({ kind: 'fan-in', destination: '10.0.1.4' }, [{ syn_count: 5000, unique_ports: 300 }])
  const { sentence } = explain({ className: 'SYN_FLOOD', technique: techniqueOf('SYN_FLOOD'), score: flood, evidence: evidence({ syn_count: 1, unique_ports: 1 }, { syn_count: 0.5, unique_ports: 0.4 }), found: found('syn_count', 'unique_ports') })
  t.match(sentence, '10.0.1.4 was sent 5,000 connection requests and was approached from 300 addresses within 500 ms; usual for this destination is 1 connection request and 1 address;')
  t.end()
})

t.test('before the model was asked, the class\'s own features tell it', (t) => {
  const guess = score(pair, [{ flow_count: 30, bytes_sent: 3000 }], 15_000)
  t.match(explain({ className: 'BRUTE_FORCE', technique: techniqueOf('BRUTE_FORCE'), score: guess, evidence: evidence({}, {}), found: null }).sentence, 'had 30 connections to 10.0.1.4 and sent 3 kB')
  t.match(explain({ className: 'A_USERS_OWN', technique: techniqueOf('A_USERS_OWN'), score: guess, evidence: evidence({}, {}), found: null }).sentence, 'this is how A_USERS_OWN looks')
  t.end()
})

t.test('text from a peer stays text', (t) => {
  const key: WindowKey = { kind: 'pair', source: '\u001b[31mroot\u202e', destination: '<b>x</b>\n' }
  const { sentence } = explain({ className: 'PORT_SCAN', technique: techniqueOf('PORT_SCAN'), score: score(key, [{ unique_ports: 9 }]), evidence: evidence({}, { unique_ports: 1 }), found: found('unique_ports') })
  t.match(sentence, '?[31mroot? tried 9 different ports of <b>x</b>? within')
  t.end()
})

t.test('every feature has words for every kind of key', (t) => {
  const keys: WindowKey[] = [pair, { kind: 'fan-out', source: 'a' }, { kind: 'fan-in', destination: 'b' }]
  for (const key of keys) {
    for (const feature of FEATURES) {
      const { sentence } = explain({ className: 'PORT_SCAN', technique: techniqueOf('PORT_SCAN'), score: score(key, [{ [feature]: 3 }]), evidence: evidence({ [feature]: 2 }, { [feature]: 1 }), found: { ...found(feature), counterfactual: { limit: 0.9, probability: 0.8, changes: [{ feature, seen: 3, needed: 2 }, { feature, seen: 1, needed: 2 }] } } })
      t.notMatch(sentence, /undefined|NaN|null| {2}/, sentence)
    }
  }
  t.end()
})

t.test('what would have kept it below, and what in training is most like it, end the sentence', (t) => {
  const scan = score(pair, [{ flow_count: 214, unique_ports: 214 }])
  const told = (more: Partial<Found>) => explain({ className: 'PORT_SCAN', technique: techniqueOf('PORT_SCAN'), score: scan, evidence: evidence({}, {}), found: { ...found('unique_ports'), ...more } })
  const changes = [{ feature: 'flow_count', seen: 214, needed: 14.7 }, { feature: 'bytes_received', seen: 0, needed: 2000 }]
  const counterfactual = { limit: 0.98, probability: 0.97, changes }
  t.match(told({ counterfactual }).sentence, '; with at most 14 connections and at least 2 kB in return the score would have been below 0.98.')
  t.same(told({ counterfactual }).counterfactual, counterfactual)
  const nearest = { class: 'PORT_SCAN', tool: 'nmap -sS', run: '0007-port-scan', distance: 0.3, usualDistance: 0.6 }
  t.match(told({ nearest }).sentence, /; the nearest in training is PORT_SCAN \(nmap -sS\)\.$/)
  t.match(told({ nearest: { ...nearest, distance: 0.7 } }).sentence, /; the nearest in training is PORT_SCAN \(nmap -sS\), and not near\.$/)
  t.end()
})

t.test('columns of the context have words, and their usual values are never a key\'s own', (t) => {
  for (const feature of ['port_login', 'port_well_known', 'share_udp', 'packets_sent', 'distinct_peers']) {
    const part = sourced([{ feature, value: 0.9, usual: 0.1, contribution: 0.5 }, { feature: 'flow_count', value: 1, usual: 1, contribution: 0 }], 'key')
    t.same(part.map(({ usualFrom }) => usualFrom), ['training', 'key'])
    const { sentence } = explain({ className: 'PORT_SCAN', technique: techniqueOf('PORT_SCAN'), score: score(pair, [{ flow_count: 3 }]), evidence: part, found: found(feature) })
    t.notMatch(sentence, /undefined|NaN|null| {2}/, sentence)
  }
  t.end()
})
