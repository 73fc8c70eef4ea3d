import { MAX_MESH_POLICIES, type MeshPolicy } from './mesh-policy.ts'

/** Of all policies those that are followed, and those beyond the bound. The oldest come first, so a new one takes the place of none that protects. */
export function followedOf (policies: readonly MeshPolicy[]): { readonly followed: readonly MeshPolicy[], readonly beyond: readonly MeshPolicy[] } {
  if (policies.length <= MAX_MESH_POLICIES) return { followed: policies, beyond: [] }
  const byAge = policies.toSorted(({ metadata: left }, { metadata: right }) =>
    Date.parse(left.creationTimestamp) - Date.parse(right.creationTimestamp) || (left.name < right.name ? -1 : 1))
  return { followed: byAge.slice(0, MAX_MESH_POLICIES), beyond: byAge.slice(MAX_MESH_POLICIES) }
}
