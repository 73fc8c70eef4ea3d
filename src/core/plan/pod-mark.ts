import type { Pod } from '../pod.ts'
import { labelValue } from './names.ts'

/** Marks one pod, so that a policy can select exactly it and not its siblings of the same Deployment. */
export const POD_LABEL = 'autoshield.dev/pod'

const MARK = /^m-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What admission writes into the label, where the pod has no UID yet. Never the UID of a pod, which has no such beginning. */
export const markOf = (uuid: string): string => `m-${uuid}`

/** Whether the value has the form that admission gives it; anybody may have written it. */
export const isMark = (value: string): boolean => MARK.test(value)

/** The label that selects exactly this pod, and whether the pod has it: the mark that it came with if no other bears it, else its UID. */
export function identityLabel ({ uid, labels, mark }: Pick<Pod, 'uid' | 'labels' | 'mark'>): { readonly key: string, readonly value: string, readonly present: boolean } {
  const value = mark ?? labelValue(uid)
  return { key: POD_LABEL, value, present: labels[POD_LABEL] === value }
}
