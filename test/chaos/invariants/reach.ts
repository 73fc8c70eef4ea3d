import type { Diary, Probe } from '../diary.ts'
import { livesOf } from './lives.ts'

/** How long an innocent connection may fail whatever is killed: until a dead Envoy's redirect is gone, on a machine with much else to do. */
export const GRACE_MS = 3_000
const words = (atMs: number): string => new Date(atMs).toISOString()

/** While a victim's proxy says that it has taken a denial, and runs, nobody that is denied gets through. */
export function piercing ({ probes, downtimes, uids, ...diary }: Pick<Diary, 'probes' | 'downtimes' | 'uids' | 'writes'>): readonly string[] {
  const served = probes.filter(({ got }) => got === 'served')
  const isDown = ({ victim, fromMs, untilMs }: Probe): boolean => downtimes.some((down) => down.victim === victim && down.fromMs <= untilMs && down.untilMs >= fromMs)
  return livesOf(diary).flatMap(({ name, states }) => states.flatMap(({ fromMs, untilMs, mitigation: { spec, status } }) => {
    const { subject } = spec
    if (status.phase !== 'active' || spec.mode !== 'enforce' || spec.action !== 'deny' || subject === 'anySource') return []
    const taken = new Set(status.targets.filter(({ state }) => state === 'programmed').map(({ target }) => target))
    const endMs = Math.min(untilMs, Date.parse(spec.expiresAt))
    return served.filter((probe) => uids.get(probe.source) === subject.uid && taken.has(`proxy/${uids.get(probe.victim) ?? ''}`) && probe.fromMs > fromMs && probe.untilMs < endMs && !isDown(probe))
      .map(({ source, victim, fromMs: at }) => `${source} was served by ${victim} at ${words(at)}, in spite of ${name}`)
  }))
}

/** An answer of the plain pod, which has no proxy, that took so long says of the machine that it has too much to do. */
const SLOW_MS = 1_000
const NEAR_MS = 2_000

/** Who did nothing is served at all times, but for the grace, and but for when the plain pod does not answer in time either. */
export function harmed ({ probes, innocent, plain }: Pick<Diary, 'probes' | 'innocent' | 'plain'>): readonly string[] {
  const busy = probes.filter(({ victim, fromMs, untilMs, got }) => victim === plain && (got !== 'served' || untilMs - fromMs > SLOW_MS))
  const pairs = Map.groupBy(probes.filter(({ source, victim }) => innocent.includes(source) && victim !== plain), ({ source, victim }) => `${source} > ${victim}`)
  return [...pairs].flatMap(([pair, tries]) => outagesOf(tries)
    .filter(({ atMs, ms }) => ms > GRACE_MS && !busy.some(({ fromMs, untilMs }) => untilMs > atMs - NEAR_MS && fromMs < atMs + ms + NEAR_MS))
    .map(({ atMs, ms }) => `${pair} failed for ${Math.round(ms)} ms from ${words(atMs)}`))
}

/** Stretches of failures, from the beginning of the first to that of the next success. */
export function outagesOf (tries: readonly Probe[]): readonly { readonly atMs: number, readonly ms: number }[] {
  const outages: { atMs: number, ms: number }[] = []
  let sinceMs: number | null = null
  for (const { got, fromMs, untilMs } of tries.toSorted((one, other) => one.fromMs - other.fromMs)) {
    if (got === 'served') {
      if (sinceMs !== null) outages.push({ atMs: sinceMs, ms: untilMs - sinceMs })
      sinceMs = null
    } else sinceMs ??= fromMs
  }
  const last = tries.at(-1)
  if (sinceMs !== null && last !== undefined) outages.push({ atMs: sinceMs, ms: last.untilMs - sinceMs })
  return outages
}

/** The NetworkPolicies that are stored cut what their mitigations say, and nobody else, by our evaluator of policies. */
export const misjudged = ({ judged }: Pick<Diary, 'judged'>): readonly string[] => judged.flatMap(({ atMs, mitigation, open, cut }) => [
  ...open.map((flow) => `the policies of ${mitigation} let ${flow} pass at ${words(atMs)}`),
  ...cut.map((flow) => `the policies of ${mitigation} cut ${flow} at ${words(atMs)}`),
])
