import type { MeshPolicySpec, Position } from './mesh-policy.ts'
import { STAGES, type Stage } from './stages.ts'

/** Every position of a rollout, the safest first. */
export function ladderOf ({ canaryShares }: Pick<MeshPolicySpec, 'canaryShares'>): readonly Position[] {
  const canary = [...new Set(canaryShares)].toSorted((left, right) => left - right).map((share): Position => ({ stage: 'canary', share }))
  return [{ stage: 'observe', share: 0 }, { stage: 'shadow', share: 0 }, ...canary, { stage: 'enforce', share: 100 }]
}

/** Below 0: `left` is safer. */
export function compare (left: Position, right: Position): number {
  const byStage = STAGES.indexOf(left.stage) - STAGES.indexOf(right.stage)
  return byStage === 0 ? left.share - right.share : byStage
}

/**
 * The next position; null at the top. A share that the ladder does not know (somebody changed it) goes on to the
 * next larger one.
 */
export function nextOf (ladder: readonly Position[], position: Position): Position | null {
  return ladder.find((rung) => compare(rung, position) > 0) ?? null
}

/** The farthest position of a stage. */
export function topOf (ladder: readonly Position[], stage: Stage): Position {
  return ladder.findLast((rung) => rung.stage === stage) ?? { stage: 'observe', share: 0 }
}

/** The next stage that enforces nothing, or that tells only. */
export const saferOf = (position: Position): Position => ({ stage: isEnforcing(position) ? 'shadow' : 'observe', share: 0 })

/** Whether it is as far as its policy asks. */
export const isAtTarget = (spec: Pick<MeshPolicySpec, 'canaryShares' | 'target'>, position: Position): boolean => compare(position, topOf(ladderOf(spec), spec.target)) === 0

export const isEnforcing = ({ share }: Position): boolean => share > 0

/** `shadow`, `canary 10 %`. */
export const nameOf = ({ stage, share }: Position): string => stage === 'canary' ? `canary ${share} %` : stage
