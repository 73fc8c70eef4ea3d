import fc from 'fast-check'
import t from 'tap'
import { along, curveOf, MAX_EDGES, MAX_POINTS, ringOf, workloadOf } from '../../../src/console/web/model/ring.ts'
import { detectionHref, mitigationHref, routeOf } from '../../../src/console/web/model/route.ts'
import { sentenceOf } from '../../../src/console/web/model/sentence.ts'
import { trailOf } from '../../../src/console/web/model/trail.ts'
import { EMPTY_WALL, KEPT, RATE_HISTORY, reduce, type Wall, type WallPod } from '../../../src/console/web/model/wall.ts'
import { bytes, evidenceSentence, remaining, restriction, span } from '../../../src/console/web/model/words.ts'
import type { LoopEvent } from '../../../src/ports/loop.ts'
import type { TrafficEdge } from '../../../src/ports/scores.ts'
import { decided, guessing, limited, SHOP, traffic } from '../scenes.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 19)
const pods = (): readonly WallPod[] => SHOP.map((pod) => ({ ...pod, observed: pod.observed ?? null }))
const loaded: Wall = { ...EMPTY_WALL, link: { state: 'live' }, loaded: true, pods: pods() }
const after = (...events: LoopEvent[]): Wall => events.reduce<Wall>((wall, event) => reduce(wall, { type: 'event', event, atMs: NOW }), loaded)
const said = (wall: Wall): string => sentenceOf(wall, NOW, clock).text
const detection = (more: Parameters<typeof guessing>[1] = {}): LoopEvent => ({ type: 'detection', detection: guessing(NOW, more) })
const decision = (more: Parameters<typeof decided>[1] = {}): LoopEvent => ({ type: 'decision', decision: decided(NOW, more) })
const mitigation = (...more: [Parameters<typeof limited>[1]?, Parameters<typeof limited>[2]?]): LoopEvent => ({ type: 'mitigation', mitigation: limited(NOW, ...more) })

t.test('the sentence says whether anything is wrong and what was done about it', async (t) => {
  const guess = 'ci-runner-0 is guessing passwords on db-0 since 11:59:18; '
  const cases: readonly (readonly [Wall, string, string])[] = [
    [EMPTY_WALL, 'notice', 'Asking the console how things are …'],
    [{ ...loaded, pods: [] }, 'notice', 'No traffic has been seen yet.'],
    [loaded, 'quiet', 'Quiet: 14 pods watched, 1 not, nothing restricted.'],
    [{ ...loaded, pods: pods().map((pod) => ({ ...pod, observed: null })) }, 'quiet', 'Quiet: 15 pods, nothing restricted.'],
    [{ ...loaded, ready: false, reasons: ['no detector is connected'] }, 'wrong', 'Not watching: no detector is connected.'],
    [{ ...loaded, link: { state: 'lost', sinceMs: NOW } }, 'wrong', 'The console does not answer since 12:00:00; what is below is from then.'],
    [after(detection({ phase: 'suspected' })), 'notice', '1 suspicion, nothing confirmed: 14 pods watched, 1 not, nothing restricted.'],
    [after(detection()), 'wrong', `${guess}nothing restricts it: no rule has fired.`],
    [after(detection(), decision({ verdict: 'hold', mitigation: null, message: 'It would touch 14 pods.' })), 'wrong', `${guess}nothing restricts it: held, It would touch 14 pods.`],
    [after(detection(), decision({ verdict: 'alert', mitigation: null })), 'wrong', `${guess}nothing restricts it: the rule only alerts.`],
    [after(detection(), decision(), mitigation()), 'wrong', `${guess}limited at 2 targets since 11:59:21, ends 12:09:21.`],
    [after(detection(), decision(), mitigation({ targets: [] })), 'wrong', `${guess}no proxy and no policy object can carry a restriction.`],
    [after(detection(), decision(), mitigation({ targets: [{ target: 'proxy/x', state: 'pending', version: '', message: '' }] })), 'wrong', `${guess}a restriction waits for 1 target to take it, ends 12:09:21.`],
    [after(detection(), decision(), mitigation({ simulated: true })), 'wrong', `${guess}it would be limited (simulated) until 12:09:21.`],
    [after(detection(), decision(), mitigation({ phase: 'reverted' })), 'wrong', `${guess}nothing restricts it now: the restriction was undone.`],
    [after(detection(), decision(), mitigation({}, { expiresAt: new Date(NOW - 1).toISOString() })), 'wrong', `${guess}nothing restricts it now: the restriction has expired.`],
    [after(detection({ phase: 'closed' }), decision(), mitigation()), 'quiet', 'Quiet: 14 pods watched, 1 not, 1 restriction in force.'],
    [after(mitigation({ simulated: true })), 'quiet', 'Quiet: 14 pods watched, 1 not, 0 restrictions in force and 1 simulated.'],
    [after(detection({ source: null, class: 'SYN_FLOOD', kind: 'fan-in' })), 'wrong', 'A flood from many sources is hitting db-0 since 11:59:18; nothing restricts it: no rule has fired.'],
    [after(detection({ target: null, class: 'PORT_SCAN', kind: 'fan-out', simulated: true })), 'wrong', 'In a replay, ci-runner-0 is scanning many addresses since 11:59:18; nothing restricts it: no rule has fired.'],
    [after(detection({ class: 'CUSTOM_ATTACK' })), 'wrong', 'ci-runner-0 shows CUSTOM_ATTACK towards db-0 since 11:59:18; nothing restricts it: no rule has fired.'],
  ]
  for (const [wall, tone, text] of cases) {
    t.equal(said(wall), text)
    t.equal(sentenceOf(wall, NOW, clock).tone, tone, text)
  }
})

t.test('the sentence is about what a person should read first: real before replayed, unrestricted before restricted', async (t) => {
  const replay = detection({ id: 'replay', simulated: true, confidence: 1, target: { address: '9.9.9.9' } })
  const free = detection({ id: 'free', confidence: 0.91, target: { address: '8.8.8.8' } })
  const wall = after(replay, detection(), decision(), mitigation(), free)
  t.equal(sentenceOf(wall, NOW, clock).detection, 'free')
  t.match(said(wall), / 2 more below\.$/)
  t.equal(sentenceOf(after(replay, detection(), mitigation()), NOW, clock).detection, 'det-guess-1')
  const told = decision({ id: 'told', detection: 'free', verdict: 'alert', mitigation: null })
  t.equal(sentenceOf(after(free, told, detection(), mitigation()), NOW, clock).detection, 'det-guess-1', 'what the policy wants told only comes after what it acts on')
})

t.test('the trail tells each station, and which one is broken and why', async (t) => {
  const trail = (decisions: Parameters<typeof decided>[1][], mitigations: Parameters<typeof limited>[1][]) =>
    trailOf(guessing(NOW), decisions.map((more) => decided(NOW, more)), mitigations.map((more) => limited(NOW, more)))
  const states = (stations: ReturnType<typeof trailOf>) => stations.map(({ state }) => state).join(' ')
  const degraded = { type: 'Degraded', status: 'True', reason: 'CannotEnforce', message: 'no proxy sees it', lastTransitionTime: '2026-03-01T12:00:00Z', observedGeneration: 1 } as const
  t.equal(states(trail([], [])), 'done done done waiting waiting waiting none none none')
  t.equal(states(trail([{}], [{}])), 'done done done done done done done done waiting')
  t.equal(states(trail([{}], [{ simulated: true }])), 'done done done done done simulated simulated simulated waiting')
  t.equal(states(trail([{}], [{ phase: 'reverted', endedAt: '2026-03-01T12:00:00Z' }])), 'done done done done done done done done done')
  t.equal(states(trail([{ verdict: 'alert', mitigation: null }], [])), 'done done done done done none none none none')
  t.equal(states(trail([{ verdict: 'simulate', safety: [{ check: 'live evidence', passed: false, reason: 'SimulatedEvidence', message: 'the evidence is a replay' }] }], [{ simulated: true }])), 'done done done done done simulated simulated simulated waiting', 'a replay is not a fault')
  t.equal(states(trail([{ verdict: 'suppress', reason: 'NoRule', rule: '', mitigation: null, safety: [] }], [])), 'done done done none none none none none none')
  const held = trail([{ verdict: 'hold', mitigation: null, safety: [{ check: 'blast radius', passed: false, reason: 'BlastRadius', message: '14 pods, at most 3.' }] }], [])
  t.equal(states(held), 'done done done done broken none none none none')
  t.equal(held[4]?.note, '14 pods, at most 3.')
  const refused = trail([{}], [{ targets: [{ target: 'proxy/x', state: 'rejected', version: '3', message: 'duplicate matcher' }] }])
  t.equal(refused[6]?.state, 'broken')
  t.equal(refused[6]?.note, 'proxy/x refused: duplicate matcher')
  t.equal(trail([{}], [{ conditions: [degraded] }])[6]?.note, 'no proxy sees it')
  t.equal(trail([{}], [{ conditions: [{ ...degraded, type: 'Enforcing', status: 'False', reason: 'AttemptsContinue', message: '9 attempts got through' }] }])[7]?.state, 'broken')
})

t.test('the page keeps a bounded part of what it sees, the newest', async (t) => {
  const events = Array.from({ length: KEPT + 20 }, (_, index) => detection({ id: `d${index}` }))
  const wall = after(...events)
  t.equal(wall.detections.size, KEPT)
  t.notOk(wall.detections.has('d19'))
  t.ok(wall.detections.has(`d${KEPT + 19}`))
})

t.test('rates are differences of totals over the time between, and a restarted detector makes none', async (t) => {
  const beat = (wall: Wall, index: number, atMs: number) => reduce(wall, { type: 'event', event: traffic(0, index), atMs })
  let wall = beat(loaded, 0, NOW)
  t.strictSame(wall.rates, [])
  wall = beat(wall, 1, NOW + 2000)
  t.match(wall.rates, [{ packets: 10_700, flows: 155, windows: 270 }])
  t.strictSame(beat(wall, 2, NOW + 2001).rates.length, 1, 'two pictures in one instant say nothing')
  t.strictSame(beat(wall, 0, NOW + 4000).rates.length, 1, 'totals that fall are another run')
  for (let index = 2; index < RATE_HISTORY + 20; index++) wall = beat(wall, index, NOW + index * 1000 + 2000)
  t.equal(wall.rates.length, RATE_HISTORY)
})

const edges = fc.array(fc.record({
  source: fc.ipV4(), destination: fc.ipV4(), packets: fc.nat(9000), bytes: fc.nat(), flows: fc.nat(90),
}), { maxLength: 60 })
const crowd = fc.uniqueArray(fc.record({ index: fc.nat(3000), namespace: fc.constantFrom('a', 'b', 'c'), observed: fc.constantFrom(true, false, null) }), { selector: ({ index }) => index, maxLength: 60 })
  .map((items) => items.map(({ index, namespace, observed }): WallPod => ({ uid: `u${index}`, namespace, name: `p-${index}`, addresses: [`10.0.${index >> 8}.${index & 255}`], labels: {}, observed })))

t.test('the same pods and edges make the same picture in whatever order they come, and all of it is on the circle', async (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(crowd, edges, fc.integer(), (pods, traffic, turn) => {
    const rotate = <T>(items: readonly T[]): T[] => items.length === 0 ? [] : items.map((_, index) => items[(index + Math.abs(turn)) % items.length]).filter((item) => item !== undefined)
    const [one, other] = [ringOf(pods, traffic, new Set()), ringOf(rotate(pods), rotate(traffic), new Set())]
    const picture = (ring: typeof one) => [...ring.nodes.values()].map(({ id, angle }) => `${id}@${angle.toFixed(9)}`).sort().join()
    const angles = [...one.nodes.values()].map(({ angle }) => angle)
    const known = pods.every(({ uid }) => one.nodes.has(uid))
    return picture(one) === picture(other) && known && angles.every((angle) => angle > 0 && angle < 2 * Math.PI) && new Set(angles).size === angles.length
  }), { numRuns: 200 }))
})

t.test('too many pods become workloads, too many workloads namespaces, and edges are bounded by the quietest', async (t) => {
  const many = (count: number, labels: (index: number) => Record<string, string>): WallPod[] =>
    Array.from({ length: count }, (_, index) => ({ uid: `u${index}`, namespace: `n${index % 9}`, name: `p${index}`, addresses: [`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`], labels: labels(index), observed: index !== 0 }))
  t.equal(ringOf(many(MAX_POINTS, () => ({})), [], new Set()).grain, 'pod')
  const workloads = ringOf(many(5000, (index) => ({ app: `w${index % 30}` })), [], new Set())
  t.equal(workloads.grain, 'workload')
  t.ok(workloads.nodes.size <= MAX_POINTS)
  t.equal([...workloads.nodes.values()].filter(({ observed }) => observed === 'some').length, 1)
  t.equal(ringOf(many(5000, (index) => ({ app: `w${index}` })), [], new Set()).grain, 'namespace')
  const pods = many(200, () => ({}))
  const busy: TrafficEdge[] = Array.from({ length: 2000 }, (_, index) => ({ source: pods[index % 200]?.addresses[0] ?? '', destination: pods[(index * 7 + 1) % 200]?.addresses[0] ?? '', packets: index, bytes: 1, flows: 1 }))
  const ring = ringOf(pods, busy, new Set())
  t.ok(ring.edges.length <= MAX_EDGES)
  const strangers = ringOf(pods, Array.from({ length: 400 }, (_, index) => ({ source: `203.0.${index >> 8}.${index & 255}`, destination: '10.0.0.1', packets: 1, bytes: 1, flows: 1 })), new Set(['198.51.100.7']))
  t.ok([...strangers.nodes.values()].filter(({ pods }) => pods === 0).length <= 13, 'a flood of forged sources is one point')
  t.ok(strangers.nodeOf('198.51.100.7'), 'what a detection names always has its own')
})

t.test('a workload is named by its label, else by its pod without what a controller added', async (t) => {
  for (const [name, labels, workload] of [['web-0', {}, 'web'], ['api-7d9f8b6c5d-x2x9z', {}, 'api'], ['cart', {}, 'cart'], ['x-1', { app: 'shop' }, 'shop'], ['x-1', { app: 'a', 'app.kubernetes.io/name': 'b' }, 'b']] as const) {
    t.equal(workloadOf({ name, labels }), workload)
  }
})

t.test('a curve begins and ends at its pods', async (t) => {
  const ring = ringOf(pods(), [], new Set())
  const [a, b] = [...ring.nodes.values()]
  if (a === undefined || b === undefined) throw new Error('the shop has pods')
  const line = curveOf(ring, { x: 0, y: 0 }, 100, a, b)
  t.match(along(line, 0), line.from)
  t.match(along(line, 1), line.to)
})

t.test('deep links survive every name there can be', async (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (name) => {
    const [one, other] = [routeOf(detectionHref(name)), routeOf(mitigationHref(name))]
    return one.page === 'detection' && one.id === name && other.page === 'mitigation' && other.name === name
  })))
  t.strictSame(routeOf(''), { page: 'wall' })
  t.strictSame(routeOf('#/nowhere'), { page: 'wall' })
  t.strictSame(routeOf('#/detections/'), { page: 'detections', phase: '' })
  t.strictSame(routeOf('#/detections/%E0%A4%A'), { page: 'detection', id: '%E0%A4%A' })
})

t.test('numbers are said with their units', async (t) => {
  t.strictSame([0, 900, 1500, 2_000_000].map(bytes), ['0 B', '900 B', '1.5 kB', '2 MB'])
  t.strictSame([0, 9_000, 61_000, 3_723_000].map(remaining), ['0:00', '0:09', '1:01', '1:02:03'])
  t.strictSame([5, 500, 3400, 90_000, 7_200_000].map(span), ['5 ms', '500 ms', '3.4 s', '1.5 min', '2 h'])
  t.strictSame(evidenceSentence({ feature: 'bytes_sent', value: 2_000_000, usual: 1500, usualFrom: 'training', contribution: 0.4 }, 15_000), {
    fact: '2 MB sent in 15 s', usual: 'usual elsewhere (no history of its own yet): 1.5 kB', effect: 'at its usual value the score would be 0.40 lower',
  })
  const part = { value: 0.97, usual: 0.03, usualFrom: 'training', contribution: 0.4 } as const
  t.strictSame(['port_well_known', 'share_udp', 'packets_sent'].map((feature) => evidenceSentence({ feature, ...part }, 500).fact), ['97 % packets at well known ports in 500 ms', '97 % UDP packets in 500 ms', '0.97 packets sent in 500 ms'])
  t.equal(restriction(limited(NOW)), 'limited to 1 connections/s on port 5432')
  t.equal(restriction(limited(NOW, {}, { action: 'deny', ports: 'any' })), 'denied')
})
