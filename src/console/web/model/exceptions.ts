import { covers } from '../../../core/exception/covers.ts'
import type { Exception, ExceptionSpec } from '../../../core/exception/exception.ts'
import { whomWords } from '../../../core/exception/whom.ts'
import type { Decision } from '../../../core/policy/decision.ts'
import type { Severity } from '../../../core/policy/rule.ts'
import type { Detection, Endpoint } from '../../../core/verdict/detection.ts'
import type { Mitigation } from '../../../core/mitigation/mitigation.ts'
import { activeMitigations, type Wall } from './wall.ts'
import { classWords } from './words.ts'

export const HOUR_MS = 3_600_000
/** How long an exception may last, in hours, with its words. */
export const LASTS = [['1', '1 hour'], ['8', '8 hours'], ['24', '1 day'], ['168', '7 days'], ['720', '30 days'], ['2160', '90 days']] as const

/** Ends so soon that somebody should know. */
export const SOON_MS = 24 * 3_600_000

/** Where an exception stands for a reader. `refused`: what was written cannot be understood, so it covers nothing. */
export type ExceptionStanding =
  | { readonly state: 'holds' | 'ends-soon' | 'ended', readonly spec: ExceptionSpec }
  | { readonly state: 'refused', readonly why: string }
  | { readonly state: 'unread' }

/** The controller judged the spec, so its word is taken for whether it can be read. */
export function exceptionStanding ({ spec, status }: Exception, now: number): ExceptionStanding {
  const accepted = status?.conditions.find(({ type }) => type === 'Accepted')
  if (accepted === undefined) return { state: 'unread' }
  if (accepted.status === 'False') return { state: 'refused', why: accepted.message }
  const read = spec as ExceptionSpec // what was accepted is one
  const left = Date.parse(read.until) - now
  return { state: left <= 0 ? 'ended' : left < SOON_MS ? 'ends-soon' : 'holds', spec: read }
}

/** `Data exfiltration by shop/backup-0`: what is let be. */
export function exceptionWords ({ source, target, classes, actions }: Pick<ExceptionSpec, 'source' | 'target' | 'classes' | 'actions'>): string {
  const ends = [...(source === undefined ? [] : [`by ${whomWords(source)}`]), ...(target === undefined ? [] : [`on ${whomWords(target)}`])].join(' ')
  return `${classes.map((name) => classWords(name).title).join(', ')} ${ends}${actions === undefined ? '' : `: no ${actions.join(', no ')}`}`
}

/** What an exception would touch now, as far as this page knows it: restrictions that end, attacks going on that are let be. A rule whose severity is not known counts as one that it covers. */
export function touchedBy (spec: ExceptionSpec, wall: Wall, severityOf: (rule: string) => Severity | undefined, now: number): { readonly restrictions: readonly Mitigation[], readonly detections: readonly Detection[] } {
  const podOf = (end: Endpoint) => wall.pods.find(({ uid, addresses }) => end.uid === undefined ? addresses.includes(end.address) : uid === end.uid) ?? null
  const decisions = [...wall.decisions.values()]
  const isCovered = (detection: Detection, decision: Decision | undefined): boolean => covers(spec, {
    detection, severity: severityOf(decision?.rule ?? '') ?? spec.upToSeverity, action: decision?.action ?? spec.actions?.[0] ?? 'network_policy', podOf, nowMs: now,
  })
  return {
    restrictions: activeMitigations(wall, now).filter(({ metadata: { name }, spec: { detection } }) => {
      const found = wall.detections.get(detection)
      return found !== undefined && isCovered(found, decisions.find(({ mitigation }) => mitigation === name))
    }),
    detections: [...wall.detections.values()].filter((detection) => detection.phase !== 'closed' && isCovered(detection, undefined)),
  }
}
