import type { Figure } from './figure.ts'
import { PORTS, ProxiedPods, type Front, type Taken } from './proxied-pods.ts'
import { quantile } from './quantile.ts'

/** Of a second for each front; they take turns, so that whatever else this machine does meets them all. */
const ROUNDS = 12
const DENIED = [0, 10, 500] as const
const DENIED_HTTP = [0, 500] as const

type Layer = keyof typeof PORTS
const FRONTS: Readonly<Record<Layer, readonly Front[]>> = { tcp: ['none', 'plain', ...DENIED], http: ['plain', ...DENIED_HTTP] }
const NAMES: Readonly<Record<Layer, string>> = { tcp: 'plain Envoy TCP proxy', http: 'plain Envoy HTTP proxy' }
const median = (values: readonly number[]): number => quantile(values, 0.5)

/** Requests over kept connections to an application behind our proxy, beside the same behind a plain Envoy and behind none. */
export async function proxyFigures (): Promise<Figure[]> {
  await using pods = await ProxiedPods.start(FRONTS.tcp)
  const turns = Object.entries(FRONTS).flatMap(([layer, fronts]) => fronts.map((front) => ({ layer: layer as Layer, front, taken: [] as Taken[] })))
  for (let round = 0; round < ROUNDS; round++) {
    for (const { layer, front, taken } of round % 2 === 0 ? turns : turns.toReversed()) taken.push(await pods.load(front, PORTS[layer]))
  }
  const takenOf = (layer: Layer, front: Front): readonly Taken[] => turns.find((turn) => turn.layer === layer && turn.front === front)?.taken ?? []
  const figure = (name: string, unit: string, layer: Layer, [front, other]: readonly [Front, Front], of: (taken: Taken) => number, besideName = NAMES[layer]): Figure => {
    const [values, besides] = [takenOf(layer, front).map(of), takenOf(layer, other).map(of)]
    const ratio = median(values.map((value, round) => value / (besides[round] ?? NaN)))
    return { name: `proxy.${name}`, value: median(values), unit, beside: { name: besideName, value: median(besides) }, ratio }
  }
  const besidePlain = (layer: Layer, prefix: string, denied: number): Figure[] => [
    figure(`${prefix}requests_per_s_${denied}`, 'requests/s', layer, [denied, 'plain'], ({ perSecond }) => perSecond),
    figure(`${prefix}p99_ms_${denied}`, 'ms', layer, [denied, 'plain'], ({ p99Ms }) => p99Ms),
    figure(`${prefix}cpu_us_per_request_${denied}`, 'us', layer, [denied, 'plain'], ({ cpuUs }) => cpuUs),
  ]
  return [
    ...DENIED.flatMap((denied) => besidePlain('tcp', '', denied)),
    figure('requests_per_s_plain', 'requests/s', 'tcp', ['plain', 'none'], ({ perSecond }) => perSecond, 'no proxy'),
    ...DENIED_HTTP.flatMap((denied) => besidePlain('http', 'http_', denied)),
  ]
}
