import { Type } from 'typebox'
import { Compile } from 'typebox/compile'

/** An address that the pod's proxy denies, on every port or on one of the destination. */
export interface Denial {
  readonly side: 'source' | 'destination'
  readonly address: string
  readonly port: number | null
}

/** What is read of Envoy's dump of its listeners (envoy.admin.v3.ListenersConfigDump). */
const Dump = Compile(Type.Object({
  configs: Type.Optional(Type.Array(Type.Object({
    active_state: Type.Optional(Type.Object({
      listener: Type.Object({ filter_chains: Type.Optional(Type.Array(Type.Object({ name: Type.Optional(Type.String()), filters: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))) }))) }),
    })),
  }))),
}))

/** As `xds/resources/filter-chain.ts` names the chain of one peer. */
const CHAIN = /^(source|destination)\/([0-9a-f.:]+)(?:\/port\/(\d+))?$/
const CLOSES = 'envoy.filters.network.direct_response'

/** Whom the listeners that Envoy uses now deny; empty where the text is no such dump. */
export function denialsOf (text: string): readonly Denial[] {
  let dump: unknown
  try {
    dump = JSON.parse(text)
  } catch {
    return []
  }
  if (!Dump.Check(dump)) return []
  return (dump.configs ?? []).flatMap(({ active_state: active }) => active?.listener.filter_chains ?? []).flatMap(({ name = '', filters = [] }) => {
    const [, side, address, port] = CHAIN.exec(name) ?? []
    if (filters[0]?.name !== CLOSES || address === undefined || (side !== 'source' && side !== 'destination')) return []
    return [{ side, address, port: port === undefined ? null : Number(port) }]
  })
}
