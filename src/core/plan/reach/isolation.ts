import { listedPorts, type CompiledPolicy, type CompiledRule, type Located } from './compiled.ts'
import { ALL_PORTS, difference, type PortSet } from './port-set.ts'

export const DIRECTIONS = ['ingress', 'egress'] as const
export type Direction = (typeof DIRECTIONS)[number]
/** The policies that isolate a pod for one direction, and all their rules; and those that deny it something. */
export interface Isolation { readonly policies: readonly CompiledPolicy[], readonly rules: readonly CompiledRule[], readonly denying: readonly CompiledPolicy[] }

/** Of policies that select the pod. */
export const isolation = (direction: Direction, selecting: readonly CompiledPolicy[]): Isolation => ({
  policies: selecting.filter((policy) => policy[direction] !== null),
  rules: selecting.flatMap((policy) => policy[direction] ?? []),
  denying: selecting.filter(({ deny }) => deny[direction].length > 0),
})

/** Under the policies of both. */
export const both = (one: Isolation, other: Isolation): Isolation => other.policies.length === 0 && other.denying.length === 0
  ? one
  : { policies: [...one.policies, ...other.policies], rules: [...one.rules, ...other.rules], denying: [...one.denying, ...other.denying] }

/** What one side lets pass to the other end. */
export function portsBy (direction: Direction, { policies, rules, denying }: Isolation, lists: (rule: CompiledRule) => boolean, destination: Located): PortSet {
  const allowed = policies.length === 0 ? ALL_PORTS : listedPorts(rules, lists, destination)
  return denying.length === 0 ? allowed : difference(allowed, listedPorts(denying.flatMap(({ deny }) => deny[direction]), lists, destination))
}

/** Whether further policies may let something else pass to or from the other end than these do. Never no where they do; it is asked for every pod of a cluster. */
export function mayChange (direction: Direction, one: Isolation, further: Isolation, lists: (rule: CompiledRule) => boolean, destination: Located): boolean {
  if (listedPorts(further.denying.flatMap(({ deny }) => deny[direction]), lists, destination).length > 0) return true
  if (further.policies.length === 0) return false
  const listed = listedPorts(further.rules, lists, destination)
  return one.policies.length === 0 ? difference(ALL_PORTS, listed).length > 0 : difference(listed, listedPorts(one.rules, lists, destination)).length > 0
}
