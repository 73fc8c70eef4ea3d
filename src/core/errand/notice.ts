import { Type, type Static } from 'typebox'
import type { Rule } from '../policy/rule.ts'
import { SEVERITIES } from '../policy/rule.ts'
import { Endpoint, type Detection } from '../verdict/detection.ts'

/** What a message to the outside tells of a detection. Every form that a receiver may ask for is made from it. */
export const Notice = Type.Object({
  rule: Type.String({ description: 'Name of the rule that fired.' }),
  severity: Type.Enum([...SEVERITIES]),
  text: Type.String({ description: 'What was seen, in a sentence.' }),
  detection: Type.Object({
    id: Type.String(),
    class: Type.String(),
    confidence: Type.Number(),
    source: Type.Union([Endpoint, Type.Null()]),
    target: Type.Union([Endpoint, Type.Null()]),
    firstSeen: Type.String({ format: 'date-time' }),
    lastSeen: Type.String({ format: 'date-time' }),
    simulated: Type.Boolean({ description: 'The evidence is a replay.' }),
    technique: Type.Union([Type.String(), Type.Null()], { description: 'ATT&CK technique.' }),
  }, { additionalProperties: false }),
}, { $id: 'Notice', additionalProperties: false })
export type Notice = Static<typeof Notice>

export const noticeOf = ({ name, severity }: Rule, detection: Detection): Notice => ({ rule: name, severity, ...toldOf(detection) })

/** The message with what is known of its detection by now. */
export const noticeNow = ({ rule, severity }: Notice, detection: Detection): Notice => ({ rule, severity, ...toldOf(detection) })

function toldOf (detection: Detection): Pick<Notice, 'text' | 'detection'> {
  const { id, class: className, confidence, source, target, firstSeen, lastSeen, simulated, technique } = detection
  return {
    text: detection.explanation.sentence,
    detection: { id, class: className, confidence, source, target, firstSeen, lastSeen, simulated, technique: technique?.id ?? null },
  }
}
