import { Type, type Static } from 'typebox'

const closed = { additionalProperties: false } as const

/** Which of several controllers works, and who could take over from it. */
export const LeadershipStanding = Type.Object({
  replica: Type.String({ description: 'The one that leads: its pod, and the id of its data.' }),
  since: Type.String({ format: 'date-time', description: 'When it took the lead.' }),
  term: Type.Integer({ minimum: 0, description: 'How often the lease has changed hands.' }),
  missing: Type.Union([Type.Literal('nothing'), Type.Literal('unknown')], { description: 'unknown: what the one before acknowledged last may be missing.' }),
  followers: Type.Array(Type.Object({
    replica: Type.String(),
    state: Type.Union([Type.Literal('in-sync'), Type.Literal('behind')], { description: 'in-sync: it has all that was acknowledged, and may take over at once.' }),
    behind: Type.Integer({ minimum: 0, description: 'Writes that it has not got yet.' }),
  }, closed), { description: 'Replicas that are connected.' }),
}, { $id: 'LeadershipStanding', ...closed })
export type LeadershipStanding = Readonly<Static<typeof LeadershipStanding>>
