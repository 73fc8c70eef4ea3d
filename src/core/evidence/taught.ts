import { Type, type Static } from 'typebox'
import { parseAddress } from '../flow/address.ts'
import type { WindowKey } from '../window/window.ts'
import { KNOWN_FOR, MAX_TAUGHT_DAYS, type BaselineSpec } from './baseline-entry.ts'
import type { NameOf } from './remembering.ts'

/** What a person said that somebody is known for. Times are Unix ms. */
export const Taught = Type.Object({
  /** Null for anybody. */
  source: Type.Union([Type.String(), Type.Null()]),
  target: Type.Union([Type.String(), Type.Null()]),
  knownFor: Type.Enum([...KNOWN_FOR]),
  port: Type.Union([Type.Integer(), Type.Null()]),
  /** Null for a use. */
  amount: Type.Union([Type.Number(), Type.Null()]),
  atMs: Type.Number(),
  untilMs: Type.Number(),
  by: Type.String(),
  reason: Type.String(),
})
export type Taught = Static<typeof Taught>

type KnownFor = Taught['knownFor']

/** Said again of the same, it takes the place of what was said before. */
export const taughtId = ({ source, target, knownFor, port }: Pick<Taught, 'source' | 'target' | 'knownFor' | 'port'>): string =>
  `${source ?? '*'}>${target ?? '*'} ${knownFor}${port === null ? '' : `:${port}`} taught`

/**
 * Largest amount that people said is usual of a key; 1 for a use. Null where nobody said so, or not any more.
 * What is said of a workload holds for each pair of it as well.
 */
export function taughtAmount (taught: ReadonlyMap<string, Taught>, key: WindowKey, atMs: number, nameOf: NameOf): (knownFor: KnownFor, port: number | null) => number | null {
  if (taught.size === 0) return () => null
  const source = key.kind === 'fan-in' ? null : nameOf(key.source)
  const target = key.kind === 'fan-out' ? null : nameOf(key.destination)
  const wider: [string | null, string | null][] = key.kind === 'pair' ? [[source, null], [null, target]] : []
  const ends: typeof wider = [[source, target], ...wider]
  return (knownFor, port) => {
    const said = ends.flatMap(([from, to]) => taught.get(taughtId({ source: from, target: to, knownFor, port })) ?? []).filter(({ untilMs }) => untilMs > atMs)
    return said.length === 0 ? null : Math.max(...said.map(({ amount }) => amount ?? 1))
  }
}

export type ReadTaught =
  | { readonly ok: true, readonly taught: Taught }
  /** Each names the place, what is wrong there, and the mend. */
  | { readonly ok: false, readonly problems: readonly string[] }

/** What a spec asks for at a time, or each problem with its place and mend. */
export function readTaught (spec: BaselineSpec, by: string, nowMs: number): ReadTaught {
  const { knownFor, until, reason } = spec
  const [source, target, port, amount] = [spec.source ?? null, spec.target ?? null, spec.port ?? null, spec.amount ?? null]
  const untilMs = Date.parse(until)
  const hasPort = knownFor === 'use' || knownFor === 'sessions'
  const problems = [
    ...(source === null && target === null ? ['spec: names neither source nor target, so it would speak for everybody: name one'] : []),
    ...([['source', source], ['target', target]] as const).flatMap(([place, name]) => name === null || isEnd(name) ? [] : [`spec.${place}: ${JSON.stringify(name)} is neither a workload nor an address: write NAMESPACE/KIND/NAME, such as shop/Deployment/web, or an address`]),
    ...(hasPort && port === null ? [`spec.port: ${knownFor} is of one port: name it`] : []),
    ...(!hasPort && port !== null ? [`spec.port: ${knownFor} is of no one port: leave it out`] : []),
    ...(knownFor !== 'use' && amount === null ? [`spec.amount: say how much ${knownFor} is usual over the twenty windows of a step`] : []),
    ...(knownFor === 'use' && amount !== null ? ['spec.amount: a use has no amount: leave it out'] : []),
    ...(untilMs > nowMs ? [] : [`spec.until: ${until} has passed: name a time to come`]),
    ...(untilMs > nowMs + MAX_TAUGHT_DAYS * 86_400_000 ? [`spec.until: ${until} is more than ${MAX_TAUGHT_DAYS} days from now: end it earlier, and say it again then if it still holds`] : []),
  ]
  return problems.length > 0 ? { ok: false, problems } : { ok: true, taught: { source, target, knownFor, port, amount, atMs: nowMs, untilMs, by, reason: reason.trim() } }
}

const isEnd = (text: string): boolean => parseAddress(text) !== null || /^[^/>*\s]+\/[^/>*\s]+\/[^/>*\s]+$/.test(text)
