import { mkdtemp, rm } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FlowStore } from '../../src/adapters/store/flow-store.ts'
import { FlowRecorder } from '../../src/controller/flows/flow-recorder.ts'
import type { FlowSighting } from '../../src/core/history/sighting.ts'
import type { Pod } from '../../src/core/pod.ts'
import { randomFrom } from '../lab/random.ts'
import type { Figure } from './figure.ts'
import { quantile } from './quantile.ts'

const PODS = 10_000
/** Whom each pod talks to in every minute. */
const PEERS = 5
const MINUTES = 15
const ASKED = 50
/** As many as one event of a detector has at most. */
const EVENT = 4_096

const time = async (work: () => unknown): Promise<number> => {
  const started = performance.now()
  await work()
  return performance.now() - started
}

const pods = Array.from({ length: PODS }, (_, at): Pod => ({
  uid: `u${at}`, namespace: `n${at % 100}`, name: `p${at}`, addresses: [`10.${at >> 8}.${at & 255}.1`], labels: { app: `w${at % 20}`, 'pod-template-hash': `h${at % 20}` }, node: `node${at % 100}`, workload: `Deployment/w${at % 20}`,
}))

/** A minute in which each pod opens connections to five others, as both ends tell it. */
function minuteOf (minute: number): FlowSighting[] {
  return pods.flatMap((pod, at) => Array.from({ length: PEERS }, (_, peer) => pods[(at * 7 + peer * 131 + 1) % PODS] ?? pod).flatMap((other, peer) => (['source', 'destination'] as const).map((witness) => ({
    minute, source: pod.addresses[0] ?? '', destination: other.addresses[0] ?? '', witness, pod: (witness === 'source' ? pod : other).uid, use: { protocol: 6, port: 8_000 + peer, begun: 3, carried: 1, failed: 0, bytesSent: 1_000, bytesReceived: 9_000 },
  }))))
}

/** Of 10,000 pods: what a minute of flows costs the controller, and what a plan pays to know them; beside the bare rows in SQLite. */
export async function flowFigures (): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'autoshield-flows-'))
  const clock = { nowMinute: 30_000_000, now: () => clock.nowMinute * 60_000 }
  const [byAddress, byUid] = [new Map(pods.map((pod) => [pod.addresses[0], pod])), new Map(pods.map((pod) => [pod.uid, pod]))]
  const random = randomFrom('flows')
  using bare = new DatabaseSync(join(dir, 'bare.db'))
  bare.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE row (minute, source, destination, port, witness, begun, sent, received, PRIMARY KEY (minute, source, destination, port, witness)) WITHOUT ROWID')
  const insert = bare.prepare('INSERT INTO row VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  const flows = new FlowStore(dir, { clock })
  try {
    const recorder = new FlowRecorder({ flows, clock, log: { info: () => undefined, warn: () => undefined, error: () => undefined }, pods: { byAddress: (address) => byAddress.get(address) ?? null, byUid: (uid) => byUid.get(uid) ?? null, list: () => pods } })
    const [events, minutes, bareMinutes]: [number[], number[], number[]] = [[], [], []]
    for (let minute = 0; minute < MINUTES; minute++, clock.nowMinute++) {
      const sightings = minuteOf(clock.nowMinute)
      let all = 0
      for (let from = 0; from < sightings.length; from += EVENT) {
        const ms = await time(() => recorder.take(sightings.slice(from, from + EVENT)))
        events.push(ms)
        all += ms
      }
      minutes.push(all + await time(() => flows.settle()))
      bareMinutes.push(await time(() => {
        bare.exec('BEGIN')
        for (const { minute, source, destination, witness, use } of sightings) insert.run(minute, source, destination, use.port, witness, use.begun, use.bytesSent, use.bytesReceived)
        bare.exec('COMMIT')
      }))
    }
    const seen: number[] = []
    for (let asked = 0; asked < ASKED; asked++) seen.push(await time(() => recorder.seen(clock.now() - 3_600_000, random.sample(pods, 2).map(({ uid }) => uid))))
    const whole = await time(() => recorder.seen(clock.now() - 3_600_000))
    const beside = { name: 'the bare rows of a minute in SQLite', value: quantile(bareMinutes, 0.5) }
    const figure = (name: string, value: number): Figure => ({ name: `flows.${name}`, value, unit: 'ms', beside, ratio: value / beside.value })
    return [
      figure('minute_ms', quantile(minutes, 0.5)), figure('event_p95_ms', quantile(events, 0.95)),
      figure('seen_pods_p95_ms', quantile(seen, 0.95)), figure('seen_all_ms', whole),
    ]
  } finally {
    flows[Symbol.dispose]()
    await rm(dir, { recursive: true })
  }
}
