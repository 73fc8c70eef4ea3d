import type { ReasonCode } from '../reason.ts'
import { basisOf } from './basis.ts'
import { compare, ladderOf, nameOf, nextOf, saferOf, topOf } from './ladder.ts'
import { MAX_HISTORY, MAX_MESH_POLICIES, type Evidence, type MeshPolicy, type MeshPolicySpec, type MeshPolicyStatus, type Position, type RolloutCondition } from './mesh-policy.ts'
import type { Outcome } from './step.ts'

const NOBODY = { pods: 0, attempts: 0, failed: 0, tried: 0, stopped: 0 }
export const NO_EVIDENCE: Evidence = { enforcing: NOBODY, others: NOBODY, podsSeen: 0, inSync: 0 }
export const ACTOR = 'autoshield'

/** Of a policy that was made at this time. */
export const firstStatus = (spec: MeshPolicySpec, at: string): MeshPolicyStatus =>
  ({ stage: 'observe', share: 0, basis: basisOf(spec), since: at, conditions: [], evidence: NO_EVIDENCE, history: [] })

/** The status after an outcome of `step`. Level-based: the same outcome on the same evidence changes nothing. */
export function advance (policy: MeshPolicy, outcome: Outcome, evidence: Evidence, nowMs: number): MeshPolicyStatus {
  const { status } = policy
  const held = { by: ACTOR, reason: outcome.reason, message: outcome.message, at: new Date(nowMs).toISOString() }
  switch (outcome.kind) {
    case 'stay': return withConditions(policy, { ...status, evidence }, outcome, nowMs)
    case 'pause': return withConditions(policy, { ...status, evidence, hold: held }, outcome, nowMs)
    case 'promote': return withConditions(policy, moved(status, outcome.to, ACTOR, outcome, nowMs), outcome, nowMs)
    case 'roll-back': {
      const back = moved(status, outcome.to, ACTOR, outcome, nowMs)
      const hold = outcome.hold ? held : status.hold
      return withConditions(policy, { ...back, basis: basisOf(policy.spec), ...(hold !== undefined && { hold }) }, outcome, nowMs)
    }
  }
}

/** Of a policy beyond the bound of those that are followed. */
export const notFollowed = (policy: MeshPolicy, nowMs: number): MeshPolicyStatus => withConditions(policy, policy.status, { kind: 'stay', reason: 'NotFollowed', message: NOT_FOLLOWED }, nowMs)
export const NOT_FOLLOWED = `The ${MAX_MESH_POLICIES} oldest mesh policies are followed, and this is none of them: put its restrictions into one of those, or delete one.`

/** Whether nothing changes by itself but for trouble: it is held, paused, at its target or not followed, and the spec is the one that was looked at. */
export function isAtRest ({ metadata: { generation }, status: { conditions } }: MeshPolicy): boolean {
  const progressing = conditions.find(({ type }) => type === 'Progressing')
  return progressing?.status === 'False' && progressing.observedGeneration === generation
}

/** What a person asks for. */
export type Command = 'pause' | 'resume' | 'promote' | 'undo'
export const COMMANDS = ['pause', 'resume', 'promote', 'undo'] as const satisfies readonly Command[]

/** The step that a command is noted as in the trail and the history. */
export type Commanded =
  | { readonly ok: true, readonly status: MeshPolicyStatus, readonly reason: ReasonCode }
  /** `message` says what is in the way, and the mend. */
  | { readonly ok: false, readonly message: string }

/**
 *     command | where the rollout is               | what becomes of it
 *     pause   | held                               | refused
 *     pause   | not held                           | held
 *     resume  | the spec says paused               | refused
 *     resume  | not held                           | refused
 *     resume  | held                               | goes on, from the beginning of its step
 *     promote | the spec says paused               | refused
 *     promote | at its target                      | refused
 *     promote | before it                          | the next rung, held no longer, whatever the evidence
 *     undo    | observe                            | refused
 *     undo    | shadow                             | observe, and held
 *     undo    | canary, enforce                    | shadow, and held
 */
export function command (policy: MeshPolicy, asked: Command, actor: string, why: string, nowMs: number): Commanded {
  const { spec, status, metadata: { name } } = policy
  const at = new Date(nowMs).toISOString()
  const because = why.trim() === '' ? `By ${actor}.` : `By ${actor}: ${why}`
  const refuse = (message: string): Commanded => ({ ok: false, message })
  const done = (next: MeshPolicyStatus, reason: ReasonCode): Commanded => ({ ok: true, reason, status: withConditions(policy, next, { kind: next.hold === undefined ? 'promote' : 'pause', reason, message: because }, nowMs) })
  const noted = (to: Position, reason: ReasonCode): MeshPolicyStatus => moved(status, to, actor, { reason, message: because }, nowMs)
  switch (asked) {
    case 'pause': {
      if (status.hold !== undefined) return refuse(`Rollout ${name} is held by ${status.hold.by} already: ${status.hold.message}`)
      return done({ ...status, hold: { by: actor, reason: 'Paused', message: because, at } }, 'Paused')
    }
    case 'resume': {
      if (spec.paused) return refuse(`Mesh policy ${name} itself says paused: take spec.paused out of it.`)
      if (status.hold === undefined) return refuse(`Rollout ${name} is not held: there is nothing to resume.`)
      return done(noted(status, 'Resumed'), 'Resumed')
    }
    case 'promote': {
      const next = nextOf(ladderOf(spec), status)
      if (spec.paused) return refuse(`Mesh policy ${name} itself says paused: take spec.paused out of it.`)
      if (next === null || compare(next, topOf(ladderOf(spec), spec.target)) > 0) return refuse(`Rollout ${name} is at ${nameOf(status)}, and its policy asks for no more: raise spec.target.`)
      return done(noted(next, 'Promoted'), 'Promoted')
    }
    case 'undo': {
      if (status.stage === 'observe') return refuse(`Rollout ${name} observes only: there is nothing to undo.`)
      const back = noted(saferOf(status), 'Reverted')
      return done({ ...back, hold: { by: actor, reason: 'Reverted', message: because, at } }, 'Reverted')
    }
  }
}

/** A step begins: nothing is seen in it yet, and nobody holds it. */
function moved ({ hold: _released, ...status }: MeshPolicyStatus, to: Position, actor: string, { reason, message }: Pick<Outcome, 'reason' | 'message'>, nowMs: number): MeshPolicyStatus {
  const at = new Date(nowMs).toISOString()
  const transition = { at, actor, from: nameOf(status), to: nameOf(to), reason, message }
  return { ...status, stage: to.stage, share: to.share, since: at, evidence: NO_EVIDENCE, history: [transition, ...status.history].slice(0, MAX_HISTORY) }
}

const RESTING: readonly ReasonCode[] = ['TargetReached', 'Paused', 'NotFollowed']

/**
 *     outcome                        | Progressing            | Degraded
 *     stay: held by a person         | False, Paused          | False
 *     stay: held by itself           | False, Paused          | True, why it holds
 *     stay: TargetReached            | False, TargetReached   | False
 *     stay: NotFollowed              | False, NotFollowed     | False
 *     stay: else, promote            | True, what is missing  | False
 *     pause, roll back and held      | False, why             | True, why
 *     a person's                     | False where held       | False
 */
function withConditions (policy: MeshPolicy, status: MeshPolicyStatus, { kind, reason, message }: Pick<Outcome, 'kind' | 'reason' | 'message'>, nowMs: number): MeshPolicyStatus {
  const { hold } = status
  const goesOn = hold === undefined && (kind !== 'stay' || !RESTING.includes(reason))
  const degraded = hold?.by === ACTOR
  const said = (type: RolloutCondition['type'], is: boolean, why: Pick<Outcome, 'reason' | 'message'>): RolloutCondition => {
    const before = policy.status.conditions.find((condition) => condition.type === type)
    const now = is ? 'True' : 'False'
    const since = before?.status === now ? before.lastTransitionTime : new Date(nowMs).toISOString()
    return { type, status: now, reason: why.reason, message: why.message, lastTransitionTime: since, observedGeneration: policy.metadata.generation }
  }
  return { ...status, conditions: [said('Progressing', goesOn, { reason, message }), said('Degraded', degraded, degraded ? hold : { reason, message })] }
}
