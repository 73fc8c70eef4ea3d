import type { NodeFacts } from '../kubernetes/node-facts.ts'

/** Nodes that may be quarantined at one time. */
export const MAX_QUARANTINED = 1

/**
 * Why the cluster needs a node too much for it to be quarantined, in words; null where it does not. `name` may be quarantined
 * already: then it is asked whether it may stay so.
 *
 *     node is known | control plane | others quarantined | another is ready and takes pods | may
 *     no            | -             | -                  | -                               | no
 *     yes           | yes           | -                  | -                               | no
 *     yes           | no            | MAX or more        | -                               | no
 *     yes           | no            | fewer              | no                              | no
 *     yes           | no            | fewer              | yes                             | yes
 *
 * Another counts only if it is no control plane, which takes few pods, and not quarantined itself.
 */
export function needOfNode (name: string, nodes: readonly NodeFacts[]): string | null {
  const node = nodes.find((each) => each.name === name)
  if (node === undefined) return `node ${name} is not known`
  if (node.controlPlane) return `node ${name} is of the control plane`
  const others = nodes.filter((each) => each.name !== name)
  const quarantined = others.filter((each) => each.quarantined)
  if (quarantined.length >= MAX_QUARANTINED) return `${quarantined.map((each) => each.name).join(', ')} is quarantined already, and no more than ${MAX_QUARANTINED} may be at one time`
  return others.some(({ ready, schedulable, controlPlane, quarantined: taken }) => ready && schedulable && !controlPlane && !taken) ? null : `node ${name} is the last that is ready and takes pods`
}
