import { Type, type Static } from 'typebox'
import { ACTION_TYPES } from '../policy/action-type.ts'
import { SEVERITIES } from '../policy/rule.ts'
import { REASON_CODES } from '../reason.ts'

const closed = { additionalProperties: false } as const
const text = (description: string, maxLength: number, minLength = 1) => Type.String({ minLength, maxLength, description })
const time = (description: string) => Type.String({ format: 'date-time', description })

/** How long one may last at most, from when it was made. */
export const MAX_EXCEPTION_DAYS = 90
/** Each is looked at for each action that is decided. */
export const MAX_EXCEPTIONS = 500

const whom = {
  namespace: Type.Optional(text('Namespace of the pod.', 63)),
  name: Type.Optional(text('Name of the pod.', 253)),
  labels: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 63 }), { minProperties: 1, maxProperties: 16, description: 'Labels that the pod has, all of them.' })),
  cidr: Type.Optional(text('Block of addresses that its address lies in, such as 10.1.0.0/16; for what is no pod.', 64)),
}
export const Whom = Type.Object(whom, { ...closed, minProperties: 1, description: 'All that is named must hold; something must be named.' })
export type Whom = Static<typeof Whom>

export const ExceptionSpec = Type.Object({
  source: Type.Optional(Type.Object(whom, { ...closed, minProperties: 1, description: 'Whose attacks are let be: all that is named must hold. Any source if left out; then target is needed.' })),
  target: Type.Optional(Type.Object(whom, { ...closed, minProperties: 1, description: 'Attacks on whom are let be: all that is named must hold. Any target if left out; then source is needed.' })),
  classes: Type.Array(text('Class of the detections, such as PORT_SCAN.', 63), { minItems: 1, maxItems: 16, description: 'Detections of these classes alone.' }),
  actions: Type.Optional(Type.Array(Type.Enum([...ACTION_TYPES]), { minItems: 1, maxItems: ACTION_TYPES.length, description: 'Actions that are not taken; all if left out, alerts too.' })),
  upToSeverity: Type.Enum([...SEVERITIES], { description: 'Rules above this severity are followed all the same.' }),
  until: time(`When it ends by itself, at most ${MAX_EXCEPTION_DAYS} days after it was made.`),
  reason: text('Why; kept in the audit trail and told with each decision that it covers.', 500),
  by: text('Who asks for it.', 128),
}, { $id: 'ExceptionSpec', ...closed, description: 'Whose attacks of which kind are let be, until when and why.' })
export type ExceptionSpec = Static<typeof ExceptionSpec>

export const ExceptionCondition = Type.Object({
  type: Type.Enum(['Accepted', 'Active'], { description: 'Accepted: it was understood. Active: it covers what it names now.' }),
  status: Type.Enum(['True', 'False'], { description: 'Whether it is so.' }),
  reason: Type.Enum(REASON_CODES, { description: 'Why, from the closed list of reason codes.' }),
  message: Type.String({ maxLength: 4096, description: 'In a sentence.' }),
  lastTransitionTime: time('When it came to this status.'),
  observedGeneration: Type.Integer({ minimum: 1, description: 'Generation of the spec that it speaks of.' }),
}, { ...closed, description: 'One thing that is true of the exception or not.' })
export type ExceptionCondition = Static<typeof ExceptionCondition>

export const ExceptionStatus = Type.Object({
  covered: Type.Integer({ minimum: 0, description: 'How many decisions it held back since it was made.' }),
  lastCovered: Type.Optional(time('When it held back the newest of them.')),
  conditions: Type.Array(ExceptionCondition, { maxItems: 2, description: 'Whether it was understood and holds, with the reason.' }),
}, { $id: 'ExceptionStatus', ...closed, description: 'What the controller made of it.' })
export type ExceptionStatus = Static<typeof ExceptionStatus>

/** One as it is stored. The spec is what somebody wrote: `readExceptionSpec` judges it. */
export const Exception = Type.Object({
  metadata: Type.Object({ name: Type.String(), uid: Type.String(), generation: Type.Integer({ minimum: 1 }), creationTimestamp: time('When it was made.') }, closed),
  spec: Type.Unknown({ description: 'As it was written.' }),
  status: Type.Union([ExceptionStatus, Type.Null()], { description: 'null before the controller has looked at it.' }),
}, { $id: 'Exception', ...closed })
export type Exception = Static<typeof Exception>
