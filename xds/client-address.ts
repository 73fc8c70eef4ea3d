import type { JsonObject } from '@bufbuild/protobuf'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ProxyStatus } from '../src/ports/proxies.ts'

/** What the keeper of a proxy says that the applications behind it take for their clients' addresses. */
export type SaidClientAddress = NonNullable<ProxyStatus['clientAddress']>

const [KEY, MAX_WORDS] = ['autoshield.dev/client-address', 500]

const Said = Compile(Type.Object({ kind: Type.Union([Type.Literal('kept'), Type.Literal('hidden')]), why: Type.String() }))

/** As metadata of an Envoy's node. */
export const toMetadata = ({ kind, why }: SaidClientAddress): JsonObject => ({ [KEY]: { kind, why } })

/** Null where it says nothing of it. */
export function fromMetadata (metadata: JsonObject | undefined): SaidClientAddress | null {
  const said: unknown = metadata?.[KEY]
  return Said.Check(said) ? { kind: said.kind, why: said.why.slice(0, MAX_WORDS) } : null
}
