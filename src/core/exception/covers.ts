import { parseAddress } from '../flow/address.ts'
import { inBlock, parseBlock } from '../plan/reach/address-block.ts'
import type { Pod } from '../pod.ts'
import type { ActionType } from '../policy/action-type.ts'
import { SEVERITIES, type Severity } from '../policy/rule.ts'
import type { Detection, Endpoint } from '../verdict/detection.ts'
import type { ExceptionSpec, Whom } from './exception.ts'

/** An action of a rule for a detection, and when it is asked about. */
export interface Asked {
  readonly detection: Pick<Detection, 'class' | 'source' | 'target'>
  /** Of the rule. */
  readonly severity: Severity
  readonly action: ActionType
  /** The pod of an end, for its labels; null where it is none. */
  readonly podOf: (end: Endpoint) => Pick<Pod, 'labels'> | null
  readonly nowMs: number
}

/**
 * An exception covers what it names and nothing else: another class or a graver rule is followed all the same.
 *
 *     before its end | class named | severity      | action named, or none is | source, target | covers
 *     no             | -           | -             | -                        | -              | no
 *     yes            | no          | -             | -                        | -              | no
 *     yes            | yes         | above         | -                        | -              | no
 *     yes            | yes         | at most named | no                       | -              | no
 *     yes            | yes         | at most named | yes                      | one is not     | no
 *     yes            | yes         | at most named | yes                      | as named       | yes
 */
export function covers (spec: ExceptionSpec, { detection, severity, action, podOf, nowMs }: Asked): boolean {
  return nowMs < Date.parse(spec.until) &&
    spec.classes.includes(detection.class) &&
    SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(spec.upToSeverity) &&
    (spec.actions?.includes(action) ?? true) &&
    isWhom(spec.source, detection.source, podOf) &&
    isWhom(spec.target, detection.target, podOf)
}

/** An end that a detection does not have is nobody who could be named. */
function isWhom (whom: Whom | undefined, end: Endpoint | null, podOf: Asked['podOf']): boolean {
  if (whom === undefined) return true
  if (end === null) return false
  return (whom.namespace === undefined || whom.namespace === end.namespace) &&
    (whom.name === undefined || whom.name === end.name) &&
    (whom.cidr === undefined || liesIn(whom.cidr, end.address)) &&
    (whom.labels === undefined || hasLabels(whom.labels, podOf(end)))
}

function liesIn (cidr: string, address: string): boolean {
  const [block, words] = [parseBlock(cidr), parseAddress(address)]
  return block !== null && words !== null && inBlock(block, words)
}

const hasLabels = (wanted: Readonly<Record<string, string>>, pod: Pick<Pod, 'labels'> | null): boolean =>
  pod !== null && Object.entries(wanted).every(([key, value]) => Object.hasOwn(pod.labels, key) && pod.labels[key] === value)
