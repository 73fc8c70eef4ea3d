import t from 'tap'
import { CLASSES } from '../../../src/core/classes.ts'
import { BREADTH } from '../../../src/core/evidence/kinds/breadth.ts'
import { NEW_USE } from '../../../src/core/evidence/kinds/new-use.ts'
import { SHORT_SESSIONS } from '../../../src/core/evidence/kinds/short-sessions.ts'
import { UPLOAD } from '../../../src/core/evidence/kinds/upload.ts'
import type { EvidenceKind } from '../../../src/core/evidence/kind.ts'
import { taughtId } from '../../../src/core/evidence/taught.ts'
import { CONTEXT_COLUMNS } from '../../../src/core/tensor/context.ts'
import { factsOf } from '../../../src/core/verdict/facts-of.ts'
import { loadVerdict, saveVerdict } from '../../../src/core/verdict/saved-verdict.ts'
import type { Score } from '../../../src/core/verdict/score.ts'
import { emptyVerdict, type VerdictState } from '../../../src/core/verdict/state.ts'
import { step } from '../../../src/core/verdict/verdict.ts'
import type { WindowKey } from '../../../src/core/window/window.ts'
import { madeScore, MODEL, T0 } from './made-score.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const KNOWS_ALL = { ...MODEL, classes: [...CLASSES], thresholds: [1, 0.9, 0.9, 0.9, 0.9, 0.9] }
const PAIR: WindowKey = { kind: 'pair', source: '10.0.0.7', destination: '10.0.0.9' }
const SWEEP: WindowKey = { kind: 'fan-out', source: '10.0.0.7' }

/** What goes on in the span that ends with one 15 s window: bytes and sessions in all of it. */
interface Talk { key?: WindowKey, atMs: number, port?: number, sent?: number, received?: number, sessions?: number, ports?: number, failed?: number, sure?: Partial<Record<(typeof CLASSES)[number], number>>, simulated?: boolean }

function talk ({ key = PAIR, atMs, port = 443, sent = 2_000, received = 2_000, sessions = 1, ports = 1, failed = 0, sure = {}, simulated = false }: Talk): Score {
  const made = madeScore({}, { key, stepMs: 15_000, endMs: atMs + 15_000, simulated, features: { flow_count: sessions, syn_count: sessions, fin_count: sessions, bytes_sent: sent, bytes_received: received, failed_conn_ratio: failed }, counters: { tcp_packets: 40 } })
  const context: Partial<Record<string, number>> = { packets_sent: 40, unanswered: 40 * failed, distinct_ports: ports, share_tcp: 1 }
  return {
    ...made,
    probabilities: Float32Array.from(CLASSES, (name) => sure[name] ?? 0.01),
    context: Float32Array.from(CONTEXT_COLUMNS, (name) => context[name] ?? 0),
    window: { ...made.window, ports: [{ port, packets: 20 }] },
  }
}

class Bench {
  readonly state: VerdictState
  #ids = 0

  constructor (state = emptyVerdict()) {
    this.state = state
    step(this.state, { type: 'model', model: KNOWS_ALL }, this.#at(T0))
  }

  /** Classes of the detections that these talks open. */
  opened (...talks: Talk[]): string[] {
    return talks.flatMap((each) => step(this.state, { type: 'score', score: talk(each) }, this.#at(each.atMs + 15_000))).flatMap(({ type, detection }) => type === 'opened' ? [detection.class] : [])
  }

  /** Strength that a kind finds in a talk, which teaches nothing. */
  strength ({ find }: EvidenceKind, of: Talk): number {
    const facts = factsOf(this.state, talk(of), this.#at(of.atMs))
    if (facts === null) throw new Error('no facts')
    return find(facts)?.strength ?? 0
  }

  #at (nowMs: number) {
    return { nowMs, newId: () => `id${this.#ids++}`, whois: () => null, standsForMany: () => false, unfamiliar: () => null, foundAtAdmission: () => null, forging: () => [] }
  }
}

/** The same in each of the hours 0 to 4. */
const daily = (of: Omit<Talk, 'atMs'>): Talk[] => [0, 1, 2, 3, 4].map((hour) => ({ ...of, atMs: T0 + hour * HOUR }))
const SIX = T0 + 6 * HOUR

t.test('a backup is known for its volume: the same again is none, far more is, and an overwhelming model is heard', async (t) => {
  const backup = { sent: 20_000_000, received: 10_000 }
  const likely = { DATA_EXFILTRATION: 0.95 }
  t.strictSame(new Bench().opened({ ...backup, atMs: SIX, sure: likely }), ['DATA_EXFILTRATION'], 'of a stranger')
  const bench = new Bench()
  t.strictSame(bench.opened(...daily(backup)), [])
  t.strictSame(bench.opened({ ...backup, atMs: SIX, sure: likely }), [])
  t.strictSame(new Bench(restarted(bench)).opened({ ...backup, atMs: SIX, sure: likely }), [], 'also after a restart')
  t.strictSame(new Bench(restarted(bench)).opened({ ...backup, sent: 200_000_000, atMs: SIX, sure: likely }), ['DATA_EXFILTRATION'])
  t.strictSame(new Bench(restarted(bench)).opened({ ...backup, atMs: SIX, sure: { DATA_EXFILTRATION: 0.9999 } }), ['DATA_EXFILTRATION'])
})

t.test('a bastion is known for its sessions', async (t) => {
  const logins = { port: 22, sessions: 40, sent: 80_000, received: 120_000 }
  const likely = { BRUTE_FORCE: 0.95 }
  const bench = new Bench()
  t.strictSame(bench.opened(...daily(logins)), [])
  t.strictSame(bench.opened({ ...logins, sessions: 50, atMs: SIX, sure: likely }), [])
  t.strictSame(new Bench(restarted(bench)).opened({ ...logins, sessions: 500, sent: 1_000_000, received: 1_500_000, atMs: SIX, sure: likely }), ['BRUTE_FORCE'])
  t.strictSame(new Bench(restarted(bench)).opened({ ...logins, atMs: SIX, sure: { BRUTE_FORCE: 0.9999 } }), ['BRUTE_FORCE'])
})

t.test('a scraper is known for the many that answer it, and is no scanner when they are gone', async (t) => {
  const scrape = { key: SWEEP, sessions: 40, ports: 40, sent: 40_000, received: 400_000 }
  const outage = { ...scrape, failed: 1, sent: 0, received: 0, atMs: SIX }
  t.strictSame(new Bench().opened(outage), ['PORT_SCAN'], 'of a stranger')
  const bench = new Bench()
  t.strictSame(bench.opened(...daily(scrape)), [])
  t.strictSame(bench.opened(outage), [])
  t.strictSame(new Bench(restarted(bench)).opened({ ...outage, ports: 400 }), ['PORT_SCAN'])
  t.strictSame(new Bench(restarted(bench)).opened({ ...outage, sure: { PORT_SCAN: 0.9999 } }), ['PORT_SCAN'])
})

for (const [words, growth, everyMs] of [['2 % a window', 1.02, 15_000], ['twofold an hour', 2, HOUR], ['twofold a day', 2, DAY], ['2 % a day', 1.02, DAY]] as const) {
  t.test(`what grows by ${words} is evidence in the end`, async (t) => {
    const bench = new Bench()
    const strengths: { times: number, upload: number, sessions: number, use: number }[] = []
    for (let atMs = T0; strengths.length === 0 || (strengths.at(-1)?.times ?? 0) < 30; atMs += everyMs === 15_000 ? 15_000 : HOUR) {
      const times = growth ** ((atMs - T0) / everyMs)
      const upload = { sent: 60_000 * times, received: 1_000, atMs }
      const logins = { key: { kind: 'pair', source: '10.0.0.5', destination: '10.0.0.6' }, port: 22, sessions: 12 * times, sent: 24_000 * times, received: 36_000 * times, atMs } as const
      strengths.push({ times, upload: bench.strength(UPLOAD, upload), sessions: bench.strength(SHORT_SESSIONS, logins), use: bench.strength(NEW_USE, logins) })
      bench.opened(upload, logins)
    }
    const late = strengths.filter(({ times }) => times >= 24)
    t.ok(late.length > 0)
    if (growth ** (4 * HOUR / everyMs) < 20) t.ok(late.every(({ upload }) => upload === 1), 'as volume')
    else t.ok(late.every(({ upload }) => upload > 0), 'before it is known at all')
    t.ok(late.every(({ sessions, use }) => sessions > 0 && use >= 0), 'as guesses')
  })
}

t.test('a scan that grows for weeks is found at its full breadth', async (t) => {
  const bench = new Bench()
  const tried = (ports: number, atMs: number): Talk => ({ key: SWEEP, sessions: ports, ports, failed: 1, sent: 0, received: 0, atMs })
  for (let hour = 0; hour < 21 * 24; hour++) t.strictSame(bench.opened(tried(8 + Math.floor(hour / 24), T0 + hour * HOUR)), [])
  t.equal(bench.strength(BREADTH, tried(30, T0 + 22 * DAY)), 1)
  t.strictSame(bench.opened(tried(30, T0 + 22 * DAY)), ['PORT_SCAN'])
})

t.test('names, passwords and noes make nobody known, however slowly they begin', async (t) => {
  const bench = new Bench()
  const guesses = (sessions: number, atMs: number): Talk => ({ port: 23, sessions, sent: 60 * sessions, received: 60 * sessions, atMs })
  for (let hour = 0; hour < 14 * 24; hour++) t.strictSame(bench.opened(guesses(42 + Math.floor(hour / 48), T0 + hour * HOUR)), [])
  const said = new Bench(restarted(bench))
  t.strictSame(bench.opened(guesses(60, T0 + 15 * DAY)), ['BRUTE_FORCE'])
  const taught = { source: '10.0.0.7', target: null, knownFor: 'sessions', port: 23, amount: 60, atMs: T0, untilMs: T0 + 20 * DAY, by: 'ann', reason: 'it asks each meter' } as const
  said.state.memory.live.taught.set(taughtId(taught), taught)
  t.strictSame(said.opened(guesses(60, T0 + 15 * DAY)), [], 'but a person does')
  t.strictSame(said.opened(guesses(200, T0 + 15 * DAY + 15_000)), ['BRUTE_FORCE'], 'for no more than was said')
})

t.test('who was suspected teaches nothing for half an hour, and a replay nothing about live traffic', async (t) => {
  const backup = { sent: 20_000_000, received: 10_000 }
  const suspected = new Bench()
  for (const each of daily(backup)) suspected.opened({ ...each, key: SWEEP, atMs: each.atMs - 600_000, sure: { PORT_SCAN: 0.9999 } }, each)
  t.equal(suspected.state.memory.live.habits.size, 0)
  const replayed = new Bench()
  replayed.opened(...daily({ ...backup, simulated: true }))
  t.equal(replayed.strength(UPLOAD, { ...backup, atMs: SIX }), 0.25)
  t.equal(replayed.strength(UPLOAD, { ...backup, atMs: SIX, simulated: true }), -1)
})

function restarted ({ state }: Bench): VerdictState {
  return loadVerdict(JSON.parse(JSON.stringify(saveVerdict(state))), []).state
}
