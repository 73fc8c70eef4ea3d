import { isDeepStrictEqual } from 'node:util'
import type { MeshPolicy } from '../../core/rollout/mesh-policy.ts'
import type { LoopEvent } from '../../ports/loop.ts'

type News = Extract<LoopEvent, { type: 'rollout' }>

/** Mesh policies that came, changed or went since the last look, whoever changed them. */
export class RolloutNews {
  #told: ReadonlyMap<string, MeshPolicy> = new Map()

  of (policies: readonly MeshPolicy[]): readonly News[] {
    const before = this.#told
    this.#told = new Map(policies.map((policy) => [policy.metadata.name, policy]))
    const changed = [...this.#told].filter(([name, policy]) => before.get(name) !== policy && !isDeepStrictEqual(before.get(name), policy))
    return [
      ...[...before.keys()].filter((name) => !this.#told.has(name)).map((name): News => ({ type: 'rollout', name, policy: null })),
      ...changed.map(([name, policy]): News => ({ type: 'rollout', name, policy })),
    ]
  }
}
