import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { OpenConnections } from '../core/mitigation/open-connections.ts'
import type { ProxyStatus } from '../ports/proxies.ts'

const Words = Type.Array(Type.Object({ mitigation: Type.String(), message: Type.String() }))

/** What a reader rests on; what a newer writer says beside it is handed on. */
const Shape = Compile(Type.Object({
  podUid: Type.String({ minLength: 1 }),
  connected: Type.Boolean(),
  version: Type.String(),
  state: Type.Union([Type.Literal('in-sync'), Type.Literal('pending'), Type.Literal('rejected')]),
  message: Type.String(),
  mitigations: Type.Array(Type.String()),
  since: Type.String({ minLength: 1 }),
  refused: Words,
  taken: Type.Array(Type.String()),
  shortfalls: Words,
  openConnections: Type.Record(Type.String(), Type.Array(OpenConnections)),
  clientAddress: Type.Optional(Type.Object({ kind: Type.Union([Type.Literal('kept'), Type.Literal('hidden')]), why: Type.String() })),
}))

export const encodeProxyStatus = (status: ProxyStatus): string => JSON.stringify(status)

/** Total: null where the text is no status. */
export function decodeProxyStatus (text: string): ProxyStatus | null {
  try {
    const value: unknown = JSON.parse(text)
    return Shape.Check(value) && !Number.isNaN(Date.parse(value.since)) ? value : null
  } catch {
    return null // no JSON
  }
}
