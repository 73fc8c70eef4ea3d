import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import { Decision } from '../../src/core/policy/decision.ts'
import { Detection } from '../../src/core/verdict/detection.ts'
import { allPages } from '../../src/cli/api-pages.ts'
import { RowPrinter } from '../../src/cli/output.ts'
import type { Performed } from './labels.ts'
import { LabLoop, PORTS } from './loop.ts'
import { planRun } from './plan-run.ts'
import { PodSockets } from './pod-sockets.ts'
import { perform, startLoads } from './run.ts'
import { raise } from './world.ts'

export interface SimulateOptions {
  readonly scenario: string
  readonly seed: number
  /** The attacks have ended by then. */
  readonly seconds: number
  /** Data folder of the loop, for looking at what was found afterwards. */
  readonly data: string
  /** Of the machine's own loopback. */
  readonly dashboardPort: number
  readonly apiPort: number
  readonly out: Writable
}

/** A detection may come this long after the last packet: the 15 s step has then closed a window. */
const AFTERWARDS_MS = 20_000
/** 50 addresses that only answer scrapes. */
const UNOBSERVED: readonly string[] = ['targets']

/**
 * Runs the attacks of a scenario, with their real tools and amid ordinary traffic, against the whole loop with live observers, and
 * shows what it makes of them as it happens. True where every attack was found. Actuation is off: what it would do is said.
 */
export async function simulate ({ scenario, seed, seconds, data, dashboardPort, apiPort, out }: SimulateOptions): Promise<boolean> {
  const say = (line: string): void => { out.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`) }
  const plan = planRun({ scenario, seed, seconds, unseen: false })
  using dashboard = await openDoor('--dashboard-port', dashboardPort)
  using api = await openDoor('--api-port', apiPort)
  say(`lab        ${plan.world.places.length} pods, ${plan.loads.length} kinds of ordinary traffic, ${plan.attacks.length} attacks within ${seconds} s; it takes some seconds to start`)
  await using lab = await raise(plan.world)
  await using loop = await LabLoop.start(lab, { data, observed: lab.pods.filter(({ name }) => !UNOBSERVED.includes(name)), actuation: false })
  await using gateway = new PodSockets(lab.gateway)
  dashboard.leadTo(gateway, PORTS.dashboard)
  api.leadTo(gateway, PORTS.api)
  say(`dashboard  http://127.0.0.1:${dashboardPort}, API http://127.0.0.1:${apiPort}/api/v1`)
  loop.up.follow(out)
  const running = startLoads(lab, plan)
  const [, ...performed] = await Promise.all([delay(seconds * 1000), ...plan.attacks.map((attack) => perform(lab, attack, (line) => say(`ATTACK   ${line}`)))])
  await Promise.all(running.map((load) => load.stop()))
  const found = await summary(`http://127.0.0.1:${apiPort}`, performed, out)
  out.write(`\nMore of one: autoshield explain DETECTION --data ${data}\n`)
  return found
}

/** Everything that the loop said of each attack; waits a while for what comes late. */
async function summary (api: string, attacks: readonly Performed[], out: Writable): Promise<boolean> {
  const untilMs = performance.now() + AFTERWARDS_MS
  let told = await ask(api)
  while (attacks.some((attack) => detectionsOf(attack, told.detections).length === 0) && performance.now() < untilMs) {
    await delay(500)
    told = await ask(api)
  }
  const rows = attacks.map((attack) => ({ attack, found: detectionsOf(attack, told.detections)[0] ?? null }))
  const decisionsOf = (found: Detection | null): Decision[] => told.decisions.filter(({ detection }) => detection === found?.id)
  const printer = new RowPrinter<(typeof rows)[number]>(out, 'table', [
    { title: 'ATTACK', of: ({ attack: { attack: { plan } } }) => plan.class },
    { title: 'TOOL', of: ({ attack: { attack: { plan } } }) => plan.tool },
    { title: 'FROM', of: ({ attack: { attack: { plan } } }) => plan.attackers.map(({ name }) => name).join(', ') },
    { title: 'FOUND AFTER', of: ({ found }) => found === null ? 'not found' : `${found.delaySeconds?.toFixed(1) ?? '-'} s` },
    { title: 'DETECTION', of: ({ found }) => found?.id ?? '-' },
    { title: 'DECISIONS', of: ({ found }) => decisionsOf(found).map(({ action, verdict, reason }) => `${verdict} ${action ?? 'nothing'} (${reason})`).join(', ') || '-' },
    { title: 'MITIGATIONS', of: ({ found }) => told.mitigations.filter(({ spec }) => spec.detection === found?.id).map(({ metadata, status }) => `${metadata.name} ${status.phase}`).join(', ') || '-' },
  ])
  out.write('\n')
  for (const row of rows) await printer.print(row)
  await printer.end('no attack')
  const others = told.detections.filter((detection) => !attacks.some((attack) => detectionsOf(attack, [detection]).length > 0))
  for (const other of others) out.write(`of no attack by this class: ${other.class} ${other.source?.address ?? '*'} -> ${other.target?.address ?? '*'}: ${other.explanation.sentence}\n`)
  return rows.every(({ found }) => found !== null)
}

interface Told { readonly detections: readonly Detection[], readonly decisions: readonly Decision[], readonly mitigations: readonly Mitigation[] }

async function ask (api: string): Promise<Told> {
  const [detections, decisions, mitigations] = await Promise.all([allPages(api, '/detections', Detection), allPages(api, '/decisions', Decision), allPages(api, '/mitigations', Mitigation)])
  return { detections, decisions, mitigations }
}

/** Those of its class and time that name one of its ends: who attacks, or, where the source is forged or many, who is attacked. Opened ones, the earliest first. */
function detectionsOf ({ attack: { plan }, startedMs, endedMs }: Performed, detections: readonly Detection[]): Detection[] {
  const sources = new Set([...plan.attackers.map(({ address }) => address), ...plan.legs.map(({ source }) => source)])
  const isNamed = ({ source, target }: Detection): boolean => source === null ? target !== null && plan.victims.includes(target.address) : sources.has(source.address)
  return detections
    .filter((detection) => detection.class === plan.class && detection.delaySeconds !== null && isNamed(detection) && Date.parse(detection.firstSeen) <= endedMs && Date.parse(detection.lastSeen) >= startedMs)
    .sort((a, b) => a.firstSeen.localeCompare(b.firstSeen))
}

/** A port of the machine's own loopback, taken before anything is started; who comes before it leads anywhere is turned away. */
class Door implements Disposable {
  readonly #server: Server
  #way: { readonly sockets: PodSockets, readonly port: number } | null = null

  constructor (server: Server) {
    this.#server = server
    server.on('connection', (near) => {
      near.on('error', () => near.destroy())
      if (this.#way === null) {
        near.destroy()
        return
      }
      this.#way.sockets.connect('127.0.0.1', this.#way.port).then((far) => {
        near.on('close', () => far.destroy()).pipe(far)
        far.on('close', () => near.destroy()).pipe(near)
      }, () => near.destroy())
    })
  }

  leadTo (sockets: PodSockets, port: number): void {
    this.#way = { sockets, port }
  }

  [Symbol.dispose] (): void {
    this.#server.close()
  }
}

async function openDoor (flag: string, port: number): Promise<Door> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening').catch((error: unknown) => { throw new Error(`127.0.0.1:${port} cannot be listened on (${String(error)}); name another port with ${flag}`) })
  return new Door(server)
}
