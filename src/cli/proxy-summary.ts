import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../core/errors.ts'

const SocketAddress = Type.Object({ socket_address: Type.Object({ address: Type.String(), port_value: Type.Optional(Type.Integer()) }) })
const Range = Type.Object({ address_prefix: Type.String() })
const Chain = Type.Object({
  name: Type.Optional(Type.String()),
  filter_chain_match: Type.Optional(Type.Object({ source_prefix_ranges: Type.Optional(Type.Array(Range)), prefix_ranges: Type.Optional(Type.Array(Range)), destination_port: Type.Optional(Type.Integer()) })),
  filters: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))),
})
const ByAddress = Type.Object({ matcher_tree: Type.Object({ exact_match_map: Type.Object({ map: Type.Record(Type.String(), Type.Unknown()) }) }) })

/** What is read of a snapshot: resources as Envoy's config dump writes them. */
const Snapshot = Compile(Type.Object({
  version: Type.String(),
  resources: Type.Object({
    listeners: Type.Array(Type.Object({ name: Type.String(), address: SocketAddress, filter_chains: Type.Optional(Type.Array(Chain)), default_filter_chain: Type.Optional(Chain) })),
    clusters: Type.Array(Type.Object({ name: Type.String(), type: Type.Optional(Type.String()) })),
    routes: Type.Array(Type.Object({ name: Type.String(), virtual_hosts: Type.Optional(Type.Array(Type.Object({ matcher: Type.Optional(ByAddress) }))) })),
  }),
}))

export interface Summary {
  readonly version: string
  readonly listeners: readonly { readonly name: string, readonly address: string, readonly chains: number }[]
  /** In Envoy's order; the chain of everybody has no peer. */
  readonly chains: readonly { readonly listener: string, readonly name: string, readonly peer: string, readonly port: string, readonly filters: string }[]
  readonly clusters: readonly { readonly name: string, readonly type: string }[]
  readonly routes: readonly { readonly name: string, readonly sources: string }[]
}

/** The names of Envoy's filters without what they all share. */
const short = (filter: string): string => filter.replace(/^envoy\.filters\.(network|http)\./, '')

/** What a snapshot holds, in rows. Throws BAD_DATA where the value is none. */
export function summaryOf (value: unknown): Summary {
  if (!Snapshot.Check(value)) throw new AutoshieldError('BAD_DATA', 'The answer is no snapshot of a proxy: is it this version\'s AutoShield?')
  const { version, resources: { listeners, clusters, routes } } = value
  return {
    version,
    listeners: listeners.map((listener) => ({ name: listener.name, address: written(listener.address), chains: chainsOf(listener).length })),
    chains: listeners.flatMap((listener) => chainsOf(listener).map(({ name = '', filter_chain_match: match, filters = [] }) => ({
      listener: listener.name,
      name,
      peer: [...match?.source_prefix_ranges ?? [], ...match?.prefix_ranges ?? []].map((range) => range.address_prefix).join(','),
      port: String(match?.destination_port ?? 'any'),
      filters: filters.map((filter) => short(filter.name)).join(', '),
    }))),
    clusters: clusters.map(({ name, type = 'STATIC' }) => ({ name, type })),
    routes: routes.map((route) => ({ name: route.name, sources: (route.virtual_hosts ?? []).flatMap(({ matcher }) => Object.keys(matcher?.matcher_tree.exact_match_map.map ?? {})).join(', ') })),
  }
}

function chainsOf (listener: { readonly filter_chains?: Static<typeof Chain>[], readonly default_filter_chain?: Static<typeof Chain> }): readonly Static<typeof Chain>[] {
  return [...listener.filter_chains ?? [], ...listener.default_filter_chain === undefined ? [] : [listener.default_filter_chain]]
}

function written ({ socket_address: { address, port_value: port = 0 } }: Static<typeof SocketAddress>): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}
