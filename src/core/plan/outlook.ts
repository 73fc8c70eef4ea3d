import { Type, type Static } from 'typebox'
import { Decision } from '../policy/decision.ts'
import { PlanEffect } from './effect.ts'

const closed = { additionalProperties: false } as const

/** Pods of which an outlook tells the names. */
export const MAX_TOUCHED = 100

const Flows = Type.Union([
  Type.Object({ state: Type.Literal('reckoned'), effect: PlanEffect }, closed),
  Type.Object({ state: Type.Literal('unknown'), why: Type.String() }, closed),
  Type.Object({ state: Type.Literal('none'), why: Type.String() }, closed),
], { description: 'reckoned: which flows that were seen would be cut, and which go on. unknown: nobody can tell now. none: no NetworkPolicy is part of it.' })

/** What a yes to a decision that waits would do, reckoned with the rules, pods, policies and flows of now. */
export const Outlook = Type.Object({
  /** What would be decided if somebody agreed now; its id is that of the decision that waits. */
  decision: Decision,
  touches: Type.Object({
    total: Type.Integer({ minimum: 0 }),
    listed: Type.Array(Type.Object({ uid: Type.String(), namespace: Type.String(), name: Type.String() }, closed), { description: `The first ${MAX_TOUCHED}.` }),
  }, { ...closed, description: 'The pods whose traffic it changes.' }),
  targets: Type.Array(Type.String(), { description: 'The objects of the cluster that would be written. Proxies of the victims carry a restriction beside them.' }),
  expiresAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], { description: 'When it would end by itself; null for what is done once.' }),
  undo: Type.String({ description: 'How it would be taken back.' }),
  flows: Flows,
}, { $id: 'Outlook', ...closed, description: 'What a yes to a decision that waits would do.' })
export type Outlook = Static<typeof Outlook>
