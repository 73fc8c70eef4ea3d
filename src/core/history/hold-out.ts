import { readPolicy } from '../plan/reach/read-policy.ts'
import type { FlowRecord } from './flow-record.ts'
import { groupTried, type TriedGroup } from './group-tried.ts'
import { policyObject, recommend, type Recommendation } from './recommend.ts'
import { tryPolicies } from './try-policies.ts'

const GROUND = { nodes: [], plugin: 'most' } as const

/** What the recommended policies cut of flows; nothing else is in force. */
export const cutBy = ({ policies }: Pick<Recommendation, 'policies'>, records: readonly FlowRecord[]): TriedGroup[] =>
  groupTried(tryPolicies(records, [], policies.map((policy) => readPolicy(policyObject(policy))), GROUND), () => false).filter(({ change }) => change === 'cut')

/** How policies that are made of what was seen first would have met what was seen then, as far as policies would be made of that. */
export function holdOut (first: readonly FlowRecord[], then: readonly FlowRecord[], namespace: string, isSuspicious: (record: FlowRecord) => boolean): { readonly cut: readonly TriedGroup[], readonly flows: number } {
  const { supporting } = recommend(then, namespace, isSuspicious)
  return { cut: cutBy(recommend(first, namespace, isSuspicious), supporting), flows: supporting.length }
}
