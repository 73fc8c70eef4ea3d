import type { Any } from '@bufbuild/protobuf/wkt'
import type { Interest } from './interest.ts'
import type { Ledger } from './ledger.ts'
import type { Resource, TypeResources } from './snapshot.ts'

/** What one client has of one resource. */
export interface ResourceState {
  readonly name: string
  /** That was sent last; empty where none was. */
  readonly version: string
  /** As it was sent; null where nothing was, or where it is kept no longer. */
  readonly body: Any | null
  /** `stale`: what was sent is not answered, or not the newest. */
  readonly status: 'synced' | 'not-sent' | 'stale' | 'refused'
  /** What the client did with any version of it. */
  readonly client: 'unknown' | 'requested' | 'does-not-exist' | 'acked' | 'nacked'
  /** The client's own where it refused, else empty. */
  readonly words: string
}

/** Of one type on one stream: what the client should have, what it still has beside that, and what it asks for and is not there. */
export function statesOf (ledger: Ledger, interest: Interest, current: TypeResources): readonly ResourceState[] {
  const { known } = ledger
  return [
    ...[...current.resources.values()].filter(({ name }) => interest.covers(name)).map((resource) => stateOf(ledger, resource)),
    ...[...known].filter(([name]) => !current.resources.has(name)).map(([name, version]): ResourceState => ({ name, version, body: null, status: 'stale', client: 'acked', words: '' })),
    ...[...interest.names].filter((name) => !current.resources.has(name) && !known.has(name)).map((name): ResourceState => ({ name, ...NOT_SENT, client: 'does-not-exist' })),
  ]
}

/** Of a type that the client did not ask for. */
export const unaskedStates = ({ resources }: TypeResources): readonly ResourceState[] => [...resources.keys()].map((name) => ({ name, ...NOT_SENT, client: 'unknown' }))

const NOT_SENT = { version: '', body: null, status: 'not-sent', words: '' } as const

function stateOf (ledger: Ledger, resource: Resource): ResourceState {
  const { name } = resource
  const { sent, accepted, words } = ledger.of(name)
  if (sent === undefined) return { name, ...NOT_SENT, client: 'requested' }
  const what = { name, version: sent, body: sent === resource.version ? resource.body : null }
  if (words !== undefined) return { ...what, status: 'refused', client: 'nacked', words }
  return { ...what, status: ledger.holds(resource) ? 'synced' : 'stale', client: accepted === undefined ? 'requested' : 'acked', words: '' }
}
