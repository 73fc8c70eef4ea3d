import { Type, type Static } from 'typebox'

/** From what reaches the most to what reaches nothing. */
export const MEANS = ['route', 'sockets', 'chain', 'none'] as const
export type Means = (typeof MEANS)[number]

/** What becomes of the connections that its subject had open, at one proxy and some ports. */
export const OpenConnections = Type.Object({
  ports: Type.Optional(Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), { minItems: 1, description: 'Destination ports; without them: all that it concerns and no other entry names.' })),
  means: Type.Enum([...MEANS], { description: 'route: requests on them are answered by the restriction; an answer that has begun goes on. chain: they end with the chain of their own that they began in. sockets: the keeper of the proxy destroys their sockets. none: they go on until they end.' }),
  since: Type.Optional(Type.String({ format: 'date-time', description: 'For chain: when the subject got that chain. What it had open before goes on.' })),
}, { $id: 'OpenConnections', additionalProperties: false, description: 'What becomes of open connections.' })
export type OpenConnections = Static<typeof OpenConnections>
