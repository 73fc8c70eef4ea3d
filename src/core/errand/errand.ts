import { Type, type Static } from 'typebox'
import { SEVERITIES } from '../policy/rule.ts'
import { REASON_CODES } from '../reason.ts'
import type { Detection } from '../verdict/detection.ts'
import { Notice, noticeNow } from './notice.ts'

const closed = { additionalProperties: false } as const
const time = (description: string) => Type.String({ format: 'date-time', description })

/** Something that is done once and cannot be kept true by a reconciler: a message, or the eviction of a pod. */
export const Task = Type.Union([
  Type.Object({
    type: Type.Literal('alert'),
    channel: Type.String({ description: 'Name of the channel, of the alert settings.' }),
    priority: Type.Enum([...SEVERITIES]),
    notice: Notice,
  }, closed),
  Type.Object({
    type: Type.Literal('webhook'),
    url: Type.String(),
    method: Type.Union([Type.Literal('POST'), Type.Literal('PUT')]),
    notice: Notice,
  }, closed),
  Type.Object({
    type: Type.Literal('eviction'),
    pod: Type.Object({ uid: Type.String(), namespace: Type.String(), name: Type.String() }, closed),
    gracePeriodSeconds: Type.Integer({ minimum: 0 }),
    evidence: Type.Optional(Type.Object({ name: Type.String(), sha256: Type.String() }, { ...closed, description: 'What was kept of the pod; absent until it is kept. Nothing is evicted before.' })),
  }, closed),
])
export type Task = Static<typeof Task>
export type TaskType = Task['type']
export type EvictionTask = Extract<Task, { type: 'eviction' }>

/**
 * `waiting` also while it is attempted: a process that dies in the middle of an attempt knows nothing of its outcome, so
 * the next one attempts it again, under the same id.
 */
export const ErrandState = Type.Union([
  Type.Object({ phase: Type.Literal('waiting'), nextAt: time('When it is attempted next, at the earliest.') }, closed),
  Type.Object({ phase: Type.Literal('done'), at: time('When it was done.') }, closed),
  Type.Object({ phase: Type.Literal('failed'), at: time('When it was given up.') }, closed),
  Type.Object({ phase: Type.Literal('cancelled'), at: time('When it was cancelled.') }, closed),
])

export const Errand = Type.Object({
  id: Type.String({ description: 'That of the decision that it follows from. Receivers are given it as the header Idempotency-Key.' }),
  detection: Type.String({ description: 'Id of the detection that it rests on.' }),
  policy: Type.String({ description: 'Where the policy was read from.' }),
  ruleHash: Type.String({ description: 'sha256 of the rule as loaded.' }),
  task: Task,
  createdAt: time('When it was decided.'),
  deadline: time('From when on it is not attempted any more.'),
  attempts: Type.Integer({ minimum: 0, description: 'Attempts whose outcome is known.' }),
  state: ErrandState,
  reason: Type.Enum(REASON_CODES, { description: 'Of the newest outcome.' }),
  message: Type.String({ description: 'The newest outcome, in a sentence.' }),
}, { $id: 'Errand', ...closed })
export type Errand = Static<typeof Errand>

/** What an errand follows from. */
export type Origin = Pick<Errand, 'id' | 'detection' | 'policy' | 'ruleHash'>

const HOUR_MS = 3_600_000

/** A message is good for an hour; an eviction for as long as a restriction by the same rule would last. */
export function createErrand (origin: Origin, task: Task, ttlSeconds: number, nowMs: number): Errand {
  const lifeMs = task.type === 'eviction' ? ttlSeconds * 1000 : HOUR_MS
  return {
    ...origin,
    task,
    createdAt: new Date(nowMs).toISOString(),
    deadline: new Date(nowMs + lifeMs).toISOString(),
    attempts: 0,
    state: { phase: 'waiting', nextAt: new Date(nowMs).toISOString() },
    reason: 'Pending',
    message: 'It has not been attempted yet.',
  }
}

/** An errand with its message as of now: whoever was away is told of the strongest moment, and not of the one that was known first. */
export function toldNow (errand: Errand, detection: Detection | null): Errand {
  const { task } = errand
  return detection === null || task.type === 'eviction' ? errand : { ...errand, task: { ...task, notice: noticeNow(task.notice, detection) } }
}

export const isWaiting = ({ state }: Errand): boolean => state.phase === 'waiting'

export const isDue = ({ state }: Errand, nowMs: number): boolean => state.phase === 'waiting' && Date.parse(state.nextAt) <= nowMs
