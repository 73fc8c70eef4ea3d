import t from 'tap'
import { CONTEXT_COLUMNS } from '../../../src/core/tensor/context.ts'
import type { Detection } from '../../../src/core/verdict/detection.ts'
import { loadVerdict, saveVerdict } from '../../../src/core/verdict/saved-verdict.ts'
import type { Score } from '../../../src/core/verdict/score.ts'
import { emptyVerdict, type VerdictState } from '../../../src/core/verdict/state.ts'
import { step, type VerdictEffect } from '../../../src/core/verdict/verdict.ts'
import { COUNTERS, type WindowKey } from '../../../src/core/window/window.ts'
import { madeScore, MODEL, T0 } from './made-score.ts'

const CLASSES = ['BENIGN', 'LATERAL_MOVEMENT', 'BRUTE_FORCE']
const LATERAL_MODEL = { ...MODEL, classes: CLASSES, thresholds: [1, 0.9, 0.9] }
const pair = (source: string, destination: string): WindowKey => ({ kind: 'pair', source, destination })
const [WEB, ADMIN, SHOP] = ['10.0.0.7', '10.0.0.8', '10.0.0.9']

interface Talk { key: WindowKey, ports: number[], atMs: number, lateral?: number, brute?: number, sent?: number, received?: number }

/** One 15 s window of TCP on these ports; the model finds it harmless unless told otherwise. */
function talk ({ key, ports, atMs, lateral = 0.01, brute = 0.01, sent = 2_000, received = 2_000 }: Talk): Score {
  const made = madeScore({}, { key, stepMs: 15_000, endMs: atMs + 15_000, features: { flow_count: 1, bytes_sent: sent, bytes_received: received }, counters: { tcp_packets: 40 } })
  return {
    ...made,
    probabilities: Float32Array.of(1 - lateral - brute, lateral, brute),
    context: new Float32Array(CONTEXT_COLUMNS.length),
    window: { ...made.window, counters: Float64Array.from(COUNTERS, (name) => name === 'tcp_packets' ? 40 : 0), ports: ports.map((port) => ({ port, packets: 20 })) },
  }
}

class Bench {
  readonly state: VerdictState
  warned = ''
  #ids = 0

  constructor (state = emptyVerdict()) {
    this.state = state
    this.#step({ type: 'model', model: LATERAL_MODEL }, T0)
  }

  opened (...talks: Talk[]): Detection[] {
    return talks.flatMap((each) => this.#step({ type: 'score', score: talk(each) }, each.atMs + 15_000)).flatMap(({ type, detection }) => type === 'opened' ? [detection] : [])
  }

  #step (event: Parameters<typeof step>[1], nowMs: number): readonly VerdictEffect[] {
    return step(this.state, event, { nowMs, newId: () => `id${this.#ids++}`, whois: () => null, standsForMany: () => false, unfamiliar: () => null, foundAtAdmission: (address) => address === this.warned ? 'pods/web: runs privileged' : null, forging: () => [] })
  }
}

const HOUR = 3_600_000

t.test('what is run from afar on a host that the source never worked on is found without the model, and told', async (t) => {
  const bench = new Bench()
  t.strictSame(bench.opened({ key: pair(WEB, ADMIN), ports: [80], atMs: T0 }), [])
  const [found] = bench.opened({ key: pair(WEB, SHOP), ports: [135, 49_726], atMs: T0 + HOUR })
  t.match(found, { class: 'LATERAL_MOVEMENT', source: { address: WEB }, target: { address: SHOP } })
  t.match(found?.explanation.named?.map(({ kind }) => kind), ['remote-procedure', 'new-use', 'management-port'])
  t.match(found?.explanation.sentence, /asked the endpoint mapper of 10\.0\.0\.9 and then used the port 49726/)
})

t.test('a port for remote work that is new to a pair opens nothing by itself', async (t) => {
  const bench = new Bench()
  t.strictSame(bench.opened({ key: pair(WEB, ADMIN), ports: [80], atMs: T0 }, { key: pair(WEB, SHOP), ports: [22], atMs: T0 + HOUR }), [])
})

t.test('where it was done in other hours before, it is known, also after a restart', async (t) => {
  const known = [0, 1, 2, 3, 4].map((hour) => ({ key: pair(WEB, SHOP), ports: [135], atMs: T0 + hour * HOUR }))
  const before = new Bench()
  t.strictSame(before.opened(...known), [])
  const after = new Bench(loadVerdict(JSON.parse(JSON.stringify(saveVerdict(before.state))), []).state)
  t.strictSame(after.opened({ key: pair(WEB, SHOP), ports: [135, 49_726], atMs: T0 + 5 * HOUR }), [])
})

t.test('who was attacked minutes ago and then works on another host makes a hop', async (t) => {
  const bench = new Bench()
  bench.opened({ key: pair(WEB, ADMIN), ports: [80], atMs: T0 }, { key: pair(ADMIN, SHOP), ports: [80], atMs: T0 })
  const [hop, ...others] = bench.opened(
    { key: pair(WEB, ADMIN), ports: [22], atMs: T0 + HOUR, lateral: 0.999 },
    { key: pair(ADMIN, WEB), ports: [22], atMs: T0 + HOUR + 60_000 },
    { key: pair(ADMIN, SHOP), ports: [22], atMs: T0 + HOUR + 60_000, sent: 9_000 }
  ).slice(1)
  t.match(hop, { source: { address: ADMIN }, target: { address: SHOP } }, 'and what answers the attacker is none')
  t.ok(hop?.explanation.named?.some(({ kind, sentence }) => kind === 'hop' && sentence.includes('LATERAL_MOVEMENT from 10.0.0.7')))
  t.strictSame(others, [])
})

t.test('a model that is nearly sure, of a source that does what it always does, opens nothing; one that is overwhelmed does', async (t) => {
  const bench = new Bench()
  t.strictSame(bench.opened({ key: pair(WEB, SHOP), ports: [443], atMs: T0, lateral: 0.95 }), [])
  t.equal(bench.opened({ key: pair(WEB, SHOP), ports: [443], atMs: T0 + 15_000, lateral: 0.997 }).length, 1)
})

t.test('what was found at admission of the source counts, and is told', async (t) => {
  const bench = new Bench()
  bench.opened({ key: pair(WEB, ADMIN), ports: [80], atMs: T0 })
  const nearly = { key: pair(WEB, SHOP), ports: [22], atMs: T0 + HOUR, lateral: 0.5 }
  t.strictSame(bench.opened(nearly), [])
  bench.warned = WEB
  const [found] = bench.opened({ ...nearly, atMs: T0 + HOUR + 15_000, lateral: 0.75 })
  t.ok(found?.explanation.named?.some(({ kind, sentence }) => kind === 'admission' && sentence === 'pods/web: runs privileged'))
})
