import type { ExceptionSpec, Whom } from '../exception/exception.ts'
import type { Detection, Endpoint } from '../verdict/detection.ts'
import type { Mark, MarkedWindow, MarkVerdict } from './mark.ts'

/** What a person says of a detection. */
export interface Marking {
  readonly verdict: MarkVerdict
  readonly reason: string
  readonly by: string
  /** ISO 8601. */
  readonly at: string
  readonly exception: string | null
}

/** The mark of a detection, with the window by which it is explained: its surest. */
export function markOf (detection: Detection, marking: Marking): Mark {
  const { id, class: name, source, target, model, simulated } = detection
  return { detection: id, ...marking, class: name, namespace: target?.namespace ?? source?.namespace ?? null, model, simulated, window: windowOf(detection) }
}

/** null where the detection is of an older version, which kept no context. */
function windowOf ({ kind, explanation: { context, tensor, stepMs, windowNumber } }: Detection): MarkedWindow | null {
  return context === undefined || context.length === 0 ? null : { kind, stepMs, windowNumber, tensor, context }
}

/** Lets the same be until then: the same class between the same ends, whatever a rule thinks of it. */
export function exceptionFor ({ class: name, source, target }: Detection, { reason, by, until }: { readonly reason: string, readonly by: string, readonly until: string }): ExceptionSpec {
  return {
    ...(source !== null && { source: whomOf(source) }),
    ...(target !== null && { target: whomOf(target) }),
    classes: [name],
    upToSeverity: 'critical',
    until,
    reason,
    by,
  }
}

/** A pod by its name; what is none by its address. */
function whomOf ({ namespace, name, address }: Endpoint): Whom {
  return namespace !== undefined && name !== undefined ? { namespace, name } : { cidr: `${address}/${address.includes(':') ? 128 : 32}` }
}
