import type { Decision } from '../../src/core/policy/decision.ts'
import type { Detection } from '../../src/core/verdict/detection.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { Pod } from '../../src/core/pod.ts'
import { techniqueOf } from '../../src/core/classes.ts'
import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import type { LoopEvent } from '../../src/ports/loop.ts'
import type { TrafficEdge } from '../../src/ports/scores.ts'
import type { FakeLoop } from './fake-loop.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

export const pod = (namespace: string, name: string, address: string, more: Partial<Pod> = {}): Pod =>
  ({ uid: `uid-${namespace}-${name}`, namespace, name, addresses: [address], labels: { app: name.replace(/-[0-9a-f]+$/, '') }, node: 'node-1', observed: true, ...more })

/** A small shop: fifteen pods, one of them not observed. */
export const SHOP: readonly Pod[] = [
  pod('shop', 'web-0', '10.0.1.4'), pod('shop', 'web-1', '10.0.1.5'), pod('shop', 'cart-0', '10.0.1.6'), pod('shop', 'orders-0', '10.0.1.7'),
  pod('shop', 'db-0', '10.0.2.9'), pod('shop', 'cache-0', '10.0.2.10'),
  pod('payments', 'ledger-0', '10.0.3.2'), pod('payments', 'gateway-0', '10.0.3.3'), pod('payments', 'fraud-0', '10.0.3.4'),
  pod('ops', 'metrics-0', '10.0.4.2'), pod('ops', 'backup-0', '10.0.4.3', { observed: false }), pod('ops', 'ci-runner-0', '10.0.4.7'),
  pod('edge', 'ingress-0', '10.0.5.2'), pod('edge', 'ingress-1', '10.0.5.3'), pod('edge', 'dns-0', '10.0.5.9'),
]

const SHOP_EDGES: readonly [string, string, number][] = [
  ['10.0.5.2', '10.0.1.4', 8400], ['10.0.5.3', '10.0.1.5', 7900], ['10.0.1.4', '10.0.1.6', 3300], ['10.0.1.5', '10.0.1.6', 3100],
  ['10.0.1.6', '10.0.2.10', 5200], ['10.0.1.4', '10.0.1.7', 900], ['10.0.1.7', '10.0.2.9', 2100], ['10.0.1.7', '10.0.3.3', 410],
  ['10.0.3.3', '10.0.3.2', 390], ['10.0.3.3', '10.0.3.4', 380], ['10.0.4.2', '10.0.1.4', 60], ['10.0.4.2', '10.0.2.9', 58], ['10.0.4.2', '10.0.3.2', 61],
  ['10.0.1.4', '10.0.5.9', 140], ['10.0.1.7', '10.0.5.9', 120], ['10.0.3.3', '10.0.5.9', 77], ['10.0.4.3', '10.0.2.9', 1900], ['10.0.5.2', '203.0.113.9', 300],
]

const stats = (beat: number) => ({
  observers: 14, packets: 1_840_220 + beat * 21_400, flows: 41_004 + beat * 310, windows: 96_310 + beat * 540, tensors: 22_904 + beat * 121, keys: 412, dropped: 0, malformed: 3, forgedSent: 0, forging: {}, refused: {},
})

export function traffic (atMs: number, beat = 0, extra: readonly TrafficEdge[] = []): Extract<LoopEvent, { type: 'traffic' }> {
  const edges = SHOP_EDGES.map(([source, destination, packets]) => ({ source, destination, packets, bytes: packets * 410, flows: Math.ceil(packets / 60) }))
  return { type: 'traffic', atMs, edges: [...edges, ...extra], stats: stats(beat) }
}

/** Quiet, then 212 logins in the last windows. */
function guessingTensor (): number[][] {
  return Array.from({ length: 20 }, (_, index) => index < 13
    ? (index % 4 === 0 ? [1, 420, 1_180, 1, 9, 0, 1, 4.2, 12, 3, 0, 1] : Array.from({ length: 12 }, () => 0))
    : [14 + (index - 13) * 9, 3_100 + index * 310, 5_400 + index * 420, 14 + (index - 13) * 9, 96 + index * 20, 3 + index, 14 + index, 0.8, 21.4, 6.1, 0.91 + (index - 13) * 0.013, 1])
}

/** The model's context columns of the same windows, over their span. */
const GUESSING_CONTEXT: Readonly<Record<string, number>> = {
  kind_pair: 1, step_500ms: 1, port_database: 1, share_tcp: 1, packets_sent: 1_260, packets_received: 1_104, mean_payload_sent: 28, mean_payload_received: 52, distinct_ports: 1, active_windows: 11,
}

export function guessing (now: number, more: Partial<Detection> = {}): Detection {
  return {
    id: 'det-guess-1',
    class: 'BRUTE_FORCE',
    kind: 'pair',
    source: { address: '10.0.4.7', uid: 'uid-ops-ci-runner-0', name: 'ci-runner-0', namespace: 'ops' },
    target: { address: '10.0.2.9', uid: 'uid-shop-db-0', name: 'db-0', namespace: 'shop' },
    phase: 'open',
    confidence: 0.973,
    firstSeen: iso(now - 42_000),
    lastSeen: iso(now - 1_000),
    delaySeconds: 3.4,
    count: 17,
    witnesses: [
      { reporter: 'spiffe://cluster.local/ns/shop/pod/uid-shop-db-0', quality: 0, agrees: true },
      { reporter: 'spiffe://cluster.local/ns/ops/pod/uid-ops-ci-runner-0', quality: 2, agrees: null },
    ],
    explanation: {
      sentence: 'ci-runner-0 opened 68 connections to db-0 in 0.5 s and 99 % of the decided attempts failed; this pair usually has 1 and none fails.',
      evidence: [
        { feature: 'failed_conn_ratio', value: 0.988, usual: 0, usualFrom: 'key', contribution: 0.61 },
        { feature: 'syn_count', value: 68, usual: 0.3, usualFrom: 'key', contribution: 0.22 },
        { feature: 'flow_count', value: 68, usual: 0.3, usualFrom: 'key', contribution: 0.11 },
        { feature: 'rst_count', value: 22, usual: 0, usualFrom: 'key', contribution: 0.02 },
      ],
      path: [{ feature: 'failed_conn_ratio', left: 0.363 }, { feature: 'syn_count', left: 0.118 }],
      windows: [{ window: 19, contribution: 0.21 }, { window: 18, contribution: 0.17 }, { window: 17, contribution: 0.09 }],
      counterfactual: { limit: 0.9, probability: 0.874, changes: [{ feature: 'failed_conn_ratio', seen: 0.95, needed: 0.4 }] },
      nearest: { class: 'BRUTE_FORCE', tool: 'hydra', run: 'brute-force-0012', distance: 0.41, usualDistance: 0.62 },
      model: 2.35,
      named: [
        { kind: 'barren-sessions', nats: 2.5, sentence: '10.0.4.7 began 212 short sessions at port 5432 of 10.0.2.9 within 4 s, with 46 bytes there and 80 back in each: nothing but a name, a password and a no fits in that' },
        { kind: 'new-use', nats: 1.5, sentence: '10.0.4.7 and port 5432 of 10.0.2.9 had nothing to do with each other in the 180 min before' },
        { kind: 'short-sessions', nats: 0.5, sentence: '10.0.4.7 began 212 short sessions at port 5432 of 10.0.2.9 within 4 s, with 46 bytes there and 80 back in each' },
      ],
      tensor: guessingTensor(),
      stepMs: 500,
      windowNumber: Math.floor((now - 38_700) / 500),
      context: CONTEXT_COLUMNS.map((name) => GUESSING_CONTEXT[name] ?? 0),
    },
    technique: techniqueOf('BRUTE_FORCE'),
    model: '2026.11.1',
    chain: 'chain-ci-runner',
    simulated: false,
    ...more,
  }
}

const NETWORK_POLICY = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: autoshield-guess-1
  namespace: ops
  labels:
    app.kubernetes.io/managed-by: autoshield
spec:
  podSelector:
    matchLabels:
      autoshield.dev/restricted: det-guess-1
  policyTypes:
    - Egress
  egress:
    - to:
        - podSelector: {}
`

export function decided (now: number, more: Partial<Decision> = {}): Decision {
  return {
    id: 'dec-guess-1',
    at: iso(now - 38_560),
    detection: 'det-guess-1',
    policy: 'default',
    rule: 'Brute force on databases',
    ruleHash: '9f2c7d3e11aa',
    action: 'traffic_throttle',
    verdict: 'mitigate',
    reason: 'RuleMatched',
    message: 'Confidence 0.973 is at or above 0.90 and nothing held it back.',
    safety: [
      { check: 'protected', passed: true, reason: 'RuleMatched', message: 'Neither ops/ci-runner-0 nor shop/db-0 is protected.' },
      { check: 'rate limit', passed: true, reason: 'RuleMatched', message: '1 of 10 actions in the last minute.' },
      { check: 'circuit breaker', passed: true, reason: 'RuleMatched', message: 'Closed.' },
      { check: 'cooldown', passed: true, reason: 'RuleMatched', message: 'No action of this rule on this pair in the last 600 s.' },
      { check: 'blast radius', passed: true, reason: 'RuleMatched', message: '1 pod of at most 3.' },
    ],
    mitigation: 'mit-guess-1',
    plan: [{ kind: 'NetworkPolicy', yaml: NETWORK_POLICY }, { kind: 'PodLabel', yaml: 'metadata:\n  labels:\n    autoshield.dev/restricted: det-guess-1\n' }],
    ...more,
  }
}

export function limited (now: number, status: Partial<Mitigation['status']> = {}, spec: Partial<Mitigation['spec']> = {}): Mitigation {
  const since = iso(now - 38_500)
  return {
    apiVersion: 'autoshield.dev/v1alpha1',
    kind: 'Mitigation',
    metadata: { name: 'mit-guess-1', uid: 'uid-mit-guess-1', generation: 1, creationTimestamp: since, annotations: {} },
    spec: {
      owner: { policy: 'default', rule: 'Brute force on databases', hash: '9f2c7d3e11aa' },
      detection: 'det-guess-1',
      subject: { uid: 'uid-ops-ci-runner-0', addresses: ['10.0.4.7'], namespace: 'ops', name: 'ci-runner-0' },
      victims: [{ uid: 'uid-shop-db-0', addresses: ['10.0.2.9'], namespace: 'shop', name: 'db-0' }],
      direction: 'ingress',
      ports: [5432],
      action: 'limit',
      limit: { value: 1, unit: 'connections/s', burst: 1 },
      mode: 'enforce',
      expiresAt: iso(now + 561_000),
      reason: 'Limit ci-runner-0 to 1 connection a second on db-0:5432 for 10 minutes.',
      ...spec,
    },
    status: {
      phase: 'active',
      simulated: false,
      conditions: [
        { type: 'Accepted', status: 'True', reason: 'Stored', message: 'The mitigation is valid and stored.', lastTransitionTime: since, observedGeneration: 1 },
        { type: 'Programmed', status: 'True', reason: 'Acknowledged', message: '2 of 2 targets have taken it.', lastTransitionTime: iso(now - 38_420), observedGeneration: 1 },
        { type: 'Enforcing', status: 'True', reason: 'AttemptsStopped', message: '41 attempts since, 1 a second got through.', lastTransitionTime: iso(now - 23_000), observedGeneration: 1 },
      ],
      targets: [
        { target: 'proxy/uid-shop-db-0', state: 'programmed', version: '7', message: '' },
        { target: 'networkpolicy/ops/autoshield-guess-1', state: 'programmed', version: '1', message: '' },
      ],
      undo: 'The filter chain of ci-runner-0 leaves the proxy of db-0, and the NetworkPolicy ops/autoshield-guess-1 is deleted; db-0 then takes its connections like all others.',
      ...status,
    },
  }
}

export async function quiet (loop: FakeLoop): Promise<void> {
  loop.podList = [...SHOP]
  loop.proxyList = [{ podUid: 'uid-shop-db-0', connected: true, version: '6', state: 'in-sync', message: '', mitigations: [], since: '2026-01-01T00:00:00.000Z', refused: [], taken: [], shortfalls: [], openConnections: {} }]
  await loop.emit(traffic(loop.now()))
}

export async function attack (loop: FakeLoop): Promise<void> {
  const now = loop.now()
  await quiet(loop)
  loop.snapshots.set('uid-shop-db-0', { version: '7', resources: { listeners: [{ name: 'inbound', filterChains: [{ name: 'mit-guess-1', match: '10.0.4.7/32' }] }] } })
  await loop.emit(traffic(now, 1, [{ source: '10.0.4.7', destination: '10.0.2.9', packets: 1240, bytes: 204_000, flows: 212 }]))
  await loop.emit({ type: 'proxy', status: { podUid: 'uid-shop-db-0', connected: true, version: '7', state: 'in-sync', message: '', mitigations: ['mit-guess-1'], since: new Date(now).toISOString(), refused: [], taken: ['mit-guess-1'], shortfalls: [], openConnections: { 'mit-guess-1': [{ ports: [5432], means: 'none' }] } } })
  await loop.emit({ type: 'detection', detection: guessing(now) })
  await loop.emit({ type: 'decision', decision: decided(now) })
  await loop.emit({ type: 'mitigation', mitigation: limited(now) })
  await loop.audit.append({ actor: 'controller', action: 'mitigate', object: 'mit-guess-1', reason: 'RuleMatched', detail: { detection: 'det-guess-1' } })
}

/** A second story from a replay: a scan, simulated, held by safety for one rule. */
export async function simulatedScan (loop: FakeLoop): Promise<void> {
  const now = loop.now()
  const { stepMs, tensor, windowNumber } = guessing(now).explanation
  await loop.emit({
    type: 'detection',
    detection: guessing(now, {
      id: 'det-scan-1',
      class: 'PORT_SCAN',
      kind: 'fan-out',
      target: null,
      source: { address: '10.0.5.3', uid: 'uid-edge-ingress-1', name: 'ingress-1', namespace: 'edge' },
      confidence: 0.994,
      firstSeen: iso(now - 128_000),
      lastSeen: iso(now - 96_000),
      delaySeconds: 0.9,
      phase: 'closed',
      technique: techniqueOf('PORT_SCAN'),
      chain: 'chain-ingress',
      simulated: true,
      explanation: {
        stepMs,
        tensor,
        windowNumber,
        model: 3.1,
        named: [{ kind: 'breadth', nats: 3, sentence: '10.0.5.3 tried 412 ports of hosts of many destinations, where next to nothing was said' }],
        sentence: 'ingress-1 tried 412 ports of 14 addresses in 15 s; sources like it usually try 4.',
        evidence: [{ feature: 'unique_ports', value: 412, usual: 4, usualFrom: 'training', contribution: 0.71 }],
      },
    }),
  })
  await loop.emit({
    type: 'decision',
    decision: decided(now, {
      id: 'dec-scan-1',
      detection: 'det-scan-1',
      at: iso(now - 127_000),
      rule: 'Port scan',
      action: 'network_policy',
      verdict: 'hold',
      reason: 'BlastRadius',
      message: 'The action would touch 14 pods and the rule allows 3.',
      mitigation: null,
      safety: [
        { check: 'protected', passed: true, reason: 'RuleMatched', message: 'edge/ingress-1 is not protected.' },
        { check: 'blast radius', passed: false, reason: 'BlastRadius', message: '14 pods, at most 3.' },
      ],
    }),
  })
}

/** What `npm start` shows: a recorded attack between bare addresses, everything simulated, the proxy asked in shadow. */
export async function replayed (loop: FakeLoop): Promise<void> {
  const now = loop.now()
  const addresses = ['10.77.0.2', '10.77.0.3', '10.77.0.4', '10.77.0.5', '10.77.0.6', '10.77.0.9', '10.77.0.20']
  const end = (address: string) => ({ address, uid: `replay-${address}`, name: address, namespace: 'replay' })
  loop.podList = addresses.map((address) => pod('replay', address, address, { uid: `replay-${address}`, labels: {} }))
  const edge = (from: number, to: number, packets: number): TrafficEdge =>
    ({ source: addresses[from] ?? '', destination: addresses[to] ?? '', packets, bytes: packets * 300, flows: Math.ceil(packets / 40) })
  const edges = [edge(0, 1, 2200), edge(0, 2, 900), edge(3, 1, 1400), edge(4, 2, 300), edge(6, 5, 1240), edge(3, 5, 210), edge(0, 5, 640)]
  await loop.emit({ type: 'traffic', atMs: now, edges, stats: { ...stats(1), observers: 1 } })
  const [source, target] = [end('10.77.0.20'), end('10.77.0.9')]
  const { explanation } = guessing(now)
  await loop.emit({
    type: 'detection',
    detection: guessing(now, { source, target, simulated: true, explanation: { ...explanation, sentence: explanation.sentence.replace('ci-runner-0', source.name).replace('db-0', target.name) }, witnesses: [{ reporter: 'spiffe://autoshield.local/ns/replay/pod/replay', quality: 0, agrees: null }] }),
  })
  await loop.emit({ type: 'decision', decision: decided(now, { verdict: 'simulate', reason: 'SimulatedEvidence', message: 'The evidence is a replay, so the action is simulated.' }) })
  const since = iso(now - 38_500)
  await loop.emit({
    type: 'mitigation',
    mitigation: limited(now, {
      simulated: true,
      conditions: [
        { type: 'Accepted', status: 'True', reason: 'Stored', message: 'The mitigation is valid and stored.', lastTransitionTime: since, observedGeneration: 1 },
        { type: 'Programmed', status: 'False', reason: 'Simulated', message: 'Nothing is enforced: the mitigation is simulated.', lastTransitionTime: since, observedGeneration: 1 },
      ],
      targets: [{ target: `proxy/${target.uid}`, state: 'simulated', version: '1', message: '' }],
      undo: 'Nothing is enforced, so nothing is taken back; the record is closed.',
    }, {
      mode: 'shadow',
      subject: { uid: source.uid, addresses: [source.address], namespace: 'replay', name: source.name },
      victims: [{ uid: target.uid, addresses: [target.address], namespace: 'replay', name: target.name }],
    }),
  })
}

export async function undone (loop: FakeLoop): Promise<void> {
  await attack(loop)
  await loop.revert('mit-guess-1', 'console:ada', 'the runner rotates passwords')
}

/** `count` pods in `count / 25` namespaces, with traffic along a ring and to one database each. */
export async function crowd (loop: FakeLoop, count: number): Promise<void> {
  const address = (index: number): string => `10.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
  loop.podList = Array.from({ length: count }, (_, index) =>
    pod(`team-${String(Math.floor(index / 25)).padStart(2, '0')}`, `svc-${Math.floor(index / 5)}-${index % 5}`, address(index), { observed: index % 41 !== 0 }))
  const edges = Array.from({ length: count * 2 }, (_, index) => {
    const from = index % count
    const to = index < count ? (from * 7 + 3) % count : Math.floor(from / 25) * 25
    return { source: address(from), destination: address(to), packets: 20 + (from * 37) % 900, bytes: 9000, flows: 4 }
  })
  await loop.emit({ type: 'traffic', atMs: loop.now(), edges, stats: { ...traffic(0).stats, observers: count } })
}
