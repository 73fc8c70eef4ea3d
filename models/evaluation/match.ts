import type { Detection } from '../../src/core/verdict/detection.ts'
import { covers } from '../training/address-range.ts'
import { ANY_FORGED, type Attack, type Leg, type RunLabels } from '../training/run-labels.ts'

/** Whose a detection is: an attack's (index), nobody's (a false alarm), or unknown, where nobody says what a suspect's other traffic was. */
export type Owner = { readonly kind: 'attack', readonly index: number } | { readonly kind: 'false' } | { readonly kind: 'unknown' }

/** A detection of a window that began before the attack, or that still holds it, is about the attack, too. */
const SLACK_MS = 60_000

/**
 * The attack whose ends and time a detection names, in either direction of the attack's flows; of several the one of the detection's own
 * class. `atMs` is when it opened.
 */
export function ownerOf (detection: Pick<Detection, 'class' | 'kind' | 'source' | 'target' | 'lastSeen'>, atMs: number, { attacks, suspects, pods }: RunLabels): Owner {
  const lastMs = Date.parse(detection.lastSeen)
  const theirs = attacks.map((attack, index) => ({ attack, index })).filter(({ attack }) =>
    atMs >= attack.firstPacketMs && Math.min(atMs, lastMs) <= attack.residueUntilMs + SLACK_MS && attack.legs.some((leg) => isAbout(detection, leg, pods)))
  const [own] = [...theirs.filter(({ attack }) => attack.class === detection.class), ...theirs]
  if (own !== undefined) return { kind: 'attack', index: own.index }
  const ends = [detection.source?.address, detection.target?.address]
  return ends.some((end) => end !== undefined && suspects.has(end)) ? { kind: 'unknown' } : { kind: 'false' }
}

function isAbout ({ kind, source, target }: Pick<Detection, 'kind' | 'source' | 'target'>, leg: Leg, pods: ReadonlySet<string>): boolean {
  const [from, to] = [source?.address ?? '', target?.address ?? '']
  switch (kind) {
    case 'pair': return (isSource(leg, from, pods) && isTarget(leg, to, pods)) || (isSource(leg, to, pods) && isTarget(leg, from, pods))
    case 'fan-out': return isSource(leg, from, pods)
    case 'fan-in': return isTarget(leg, to, pods)
  }
}

/** Forged sources are no pod's. */
const isSource = ({ source }: Leg, address: string, pods: ReadonlySet<string>): boolean => source === ANY_FORGED ? !pods.has(address) : source === address

/** A range stands for the addresses in it that are no pod's. */
const isTarget = ({ destination }: Leg, address: string, pods: ReadonlySet<string>): boolean =>
  destination.includes('/') ? !pods.has(address) && covers(destination, address) : destination === address

/** When the attack began: by its labels, or, where nobody wrote that down, with the first window of one of its pairs. */
export function beginningOf (attack: Attack, windows: readonly { readonly startMs: number, readonly source: string, readonly destination: string }[], pods: ReadonlySet<string>): number {
  if (Number.isFinite(attack.firstPacketMs)) return attack.firstPacketMs
  const own = windows.filter(({ source, destination }) => attack.legs.some((leg) => isSource(leg, source, pods) && isTarget(leg, destination, pods)))
  return own.reduce((first, { startMs }) => Math.min(first, startMs), Infinity)
}
