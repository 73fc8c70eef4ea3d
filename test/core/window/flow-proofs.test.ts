import t from 'tap'
import { QUALITY, type StepMs } from '../../../src/core/window/window.ts'
import { makeWindow } from '../../../src/core/window/make-window.ts'
import { KeyTable } from '../../../src/core/window/key-table.ts'
import { Lane } from '../../../src/core/window/lane.ts'
import { tcp, udp } from '../flow/packet-builder.ts'
import { feature, observe, type Timed } from './observe.ts'

const [POD, PEER] = ['10.0.0.1', '10.0.0.2']
const PAIR = `${POD}>${PEER}`
const packet = (from: string, to: string, at: number, flags: string, payload = 0): Timed => ({ at, packet: tcp({ from, to, flags, payload }) })

/** A connection of POD to PEER in which the peer answers after `answerMs`. */
function honest (port: number, at = 0, answerMs = 40): Timed[] {
  const [up, down] = [`${POD}:${port}`, `${PEER}:443`]
  return [packet(up, down, at, 'S'), packet(down, up, at + 1, 'SA'), packet(up, down, at + 2, 'A'), packet(up, down, at + 3, 'PA', 10), packet(down, up, at + answerMs, 'PA', 10)]
}

/** What the victim sees of forged SYNs, and what comes to the owner of the address. */
const SCANNED = Array.from({ length: 30 }, (_, index) => index)
const atVictim = SCANNED.flatMap((index) => [packet(`${POD}:50000`, `${PEER}:${1000 + index}`, 50 + index, 'S'), packet(`${PEER}:${1000 + index}`, `${POD}:50000`, 50 + index, 'RA')])
const openToo = [packet(`${POD}:50001`, `${PEER}:443`, 90, 'S'), packet(`${PEER}:443`, `${POD}:50001`, 90, 'SA'), packet(`${POD}:50001`, `${PEER}:443`, 91, 'R')]
const atOwner = [...SCANNED.map((index) => packet(`${PEER}:${1000 + index}`, `${POD}:50000`, 50 + index, 'RA')), ...openToo.slice(1)]
const byTime = (packets: readonly Timed[]): Timed[] => packets.toSorted((one, other) => one.at - other.at)

function proved (packets: readonly Timed[], own: string, stepMs: StepMs = 500): [flows: number, proved: number | undefined][] {
  return observe(byTime(packets), { ownAddresses: [own] }).of(PAIR, stepMs).map((window) => [feature(window, 'flow_count'), window.proved])
}

t.test('at the victim an honest flow is proved, and forged ones beside it are not', async (t) => {
  for (const step of [500, 15_000, 60_000] as const) t.strictSame(proved([...honest(40_000), ...atVictim, ...openToo], PEER, step).filter(([flows]) => flows > 0), [[32, 1]], `${step} ms`)
})

t.test('at the owner of the address, what its pod began is proved, and what only comes to it is not', async (t) => {
  t.strictSame(proved([...honest(40_000), ...atOwner], POD).filter(([flows]) => flows > 0), [[32, 1]])
  t.strictSame(proved(atVictim, POD).filter(([flows]) => flows > 0), [[30, 30]], 'a scan of its own is')
  const xmas = [{ at: 1, packet: tcp({ from: `${POD}:50000`, to: `${PEER}:9`, flags: 'FPU' }) }]
  t.strictSame(proved(xmas, POD), proved(xmas, POD).map(([flows]) => [flows, flows]), 'and a probe')
})

t.test('a flow that is answered in a later window makes up for the one before', async (t) => {
  const seen = proved(honest(40_000, 480, 400), PEER)
  t.strictSame(seen, [[1, 0], [1, 2]])
  t.strictSame(proved(honest(40_000, 480, 400), PEER, 15_000), [[1, 1]])
})

t.test('UDP proves its sender at its own end alone', async (t) => {
  const ask = [{ at: 0, packet: udp({ from: `${POD}:40000`, to: `${PEER}:53`, payload: 9 }) }, { at: 1, packet: udp({ from: `${PEER}:53`, to: `${POD}:40000`, payload: 9 }) }]
  t.strictSame(proved(ask, POD), [[1, 1]])
  t.strictSame(proved(ask, PEER), [[1, 0]])
  t.strictSame(proved(ask.slice(1), POD), [[1, 0]], 'an answer alone is not its own')
})

t.test('who sees no packets does not tell', async (t) => {
  const table = new KeyTable(4, 1, () => undefined)
  const lane = new Lane(table)
  lane.cell(table.take(0, new Int32Array(8), 0))
  t.notOk('proved' in makeWindow(lane, 0, 0, 1, QUALITY.flagsMissing, table, null))
})
