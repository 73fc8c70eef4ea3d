import type { Limit, MitigationSpec } from '../mitigation/mitigation.ts'
import type { Pod } from '../pod.ts'
import { proxiesOf } from './carried.ts'
import type { Ends } from './ends.ts'
import { mitigationObject } from './objects.ts'
import type { Plan, PlanContext } from './plan.ts'

/** A limit that is wanted. */
export interface Throttling {
  readonly spec: MitigationSpec
  /** Of `spec`. */
  readonly limit: Limit
  readonly context: PlanContext
  readonly subject: Pod | 'anySource'
  readonly ends: Pick<Ends, 'target' | 'sourceName' | 'targetName'>
  readonly class: string
}

/** A proxy refuses after the handshake, so what a flood of half-open connections costs is spent by then. */
export const HALF_OPEN = 'A proxy sees completed handshakes only, so it cannot stop the half-open ones; that takes a SYN limit in the victim\'s namespace'

const LABEL = 'autoshield.dev/proxy: enabled'

/** The limit of one pod, which proxies hold; refused in a cluster where none of them could. */
export function planThrottle (throttling: Throttling): Plan {
  const { spec, limit, subject, ends: { sourceName, targetName }, context } = throttling
  if (context.cluster !== undefined && proxiesOf(spec, context)[0] === 0) {
    return refused(subject, `No proxy stands in front of ${targetName}, and neither a NetworkPolicy nor a node's bandwidth manager limits a rate from one pod to another: give its pods one with the label ${LABEL}, or deny instead.`)
  }
  const cannot = throttling.class === 'SYN_FLOOD'
  return {
    spec,
    objects: [mitigationObject(spec, context.mitigation)],
    targets: [],
    blastRadius: subject === 'anySource' ? [] : [subject],
    subject,
    reason: cannot ? 'CannotEnforce' : 'RuleMatched',
    message: `${cannot ? 'Would limit' : 'Limits'} ${sourceName} to ${words(limit)} towards ${targetName}.${cannot ? ` ${HALF_OPEN}.` : ''}`,
    undo: `Lifts the limit at every proxy; ${sourceName} reaches ${targetName} at full speed again.`,
  }
}

/**
 * A limit on all sources together, where they are forged or many. The keeper of a proxy to which connections are redirected holds one on
 * new connections, by their SYNs, before a handshake; nothing here can hold another.
 *
 *     cluster   | unit          | victims with such a proxy | plan
 *     none      | connections/s | all                       | RuleMatched
 *     none      | connections/s | not all                   | CannotEnforce, with its spec
 *     none      | another       | -                         | CannotEnforce, with its spec
 *     connected | connections/s | all                       | RuleMatched
 *     connected | connections/s | some                      | CannotEnforce, as far as they go
 *     connected | connections/s | none                      | refused
 *     connected | another       | -                         | refused
 */
export function limitEverybody ({ spec, limit, context, ends: { targetName } }: Throttling, victims: readonly Pod[]): Plan {
  const able = limit.unit === 'connections/s' ? victims.filter(({ proxy }) => proxy?.mode === 'redirect').length : 0
  const why = limit.unit === 'connections/s'
    ? `${able} of ${victims.length} pods of ${targetName} have a proxy to which connections are redirected (label ${LABEL}), and only its keeper can limit SYNs there`
    : `No proxy holds one limit in ${limit.unit} over all sources together: write a limit on new connections, as rate_limit: "200 connections/s"`
  if (able === 0 && context.cluster !== undefined) return refused('anySource', `${why}.`)
  const whole = able > 0 && able === victims.length
  return {
    spec,
    objects: [mitigationObject(spec, context.mitigation)],
    targets: [],
    blastRadius: victims,
    subject: 'anySource',
    reason: whole ? 'RuleMatched' : 'CannotEnforce',
    message: `${able > 0 ? 'Limits' : 'Would limit'} all sources together to ${words(limit)} towards ${targetName}${able > 0 ? ', by their SYNs' : ''}.${whole ? '' : ` ${why}.`}`,
    undo: `Lifts the limit in front of ${targetName}.`,
  }
}

const words = ({ value, unit }: Limit): string => `${value} ${unit}`

const refused = (subject: Plan['subject'], message: string): Plan =>
  ({ spec: null, objects: [], targets: [], blastRadius: [], subject, reason: 'CannotEnforce', message, undo: 'Nothing was done, so there is nothing to undo.' })
