import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { KubernetesObject } from '../kubernetes/object.ts'
import type { Halt } from './state.ts'

/** Name of the ConfigMap in our own namespace by which anybody who may write it stops all actions. */
export const PANIC_MAP = 'autoshield-panic'

/** All actions are stopped for as long as it stands. */
export interface PanicOrder {
  readonly halt: Halt
  /** What is in force is taken back as well. */
  readonly undo: boolean
}

const Data = Compile(Type.Object({ data: Type.Object({ active: Type.Literal('true'), undo: Type.Optional(Type.String()), reason: Type.Optional(Type.String()) }) }))
const Managers = Compile(Type.Object({ managedFields: Type.Array(Type.Object({ manager: Type.Optional(Type.String()) })) }))

/**
 *     object       | data.active | data.undo | order
 *     none         | -           | -         | null
 *     the map      | "true"      | "true"    | stop, and undo
 *     the map      | "true"      | other     | stop
 *     the map      | other, none | -         | null
 *     another name | -           | -         | null
 */
export function readPanicOrder (object: KubernetesObject): PanicOrder | null {
  const { metadata } = object
  if (metadata.name !== PANIC_MAP || !Data.Check(object)) return null
  const { undo, reason = '' } = object.data
  const writer = Managers.Check(metadata) ? metadata.managedFields.at(-1)?.manager : undefined
  return {
    halt: {
      by: `configmap/${PANIC_MAP}${writer === undefined ? '' : ` (${writer})`}`,
      reason: reason.trim() === '' ? `the ConfigMap ${PANIC_MAP} says so` : reason.trim().slice(0, 500),
      at: metadata.creationTimestamp ?? new Date(0).toISOString(),
    },
    undo: undo === 'true',
  }
}
