import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { parseChainName, type PeerChainName } from '../../src/wire/chain-name.ts'

/** An address that the pod's proxy denies, on every port or on one of the destination. */
export type Denial = PeerChainName

/** What is read of Envoy's dump of its listeners (envoy.admin.v3.ListenersConfigDump). */
const Dump = Compile(Type.Object({
  configs: Type.Optional(Type.Array(Type.Object({
    active_state: Type.Optional(Type.Object({
      listener: Type.Object({ filter_chains: Type.Optional(Type.Array(Type.Object({ name: Type.Optional(Type.String()), filters: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))) }))) }),
    })),
  }))),
}))

const CLOSES = 'envoy.filters.network.direct_response'

/** Whom the listeners that Envoy uses now deny; null where the text is no such dump. */
export function denialsOf (text: string): readonly Denial[] | null {
  let dump: unknown
  try {
    dump = JSON.parse(text)
  } catch {
    return null
  }
  if (!Dump.Check(dump)) return null
  return (dump.configs ?? []).flatMap(({ active_state: active }) => active?.listener.filter_chains ?? []).flatMap(({ name = '', filters = [] }) => {
    const chain = parseChainName(name)
    return filters[0]?.name === CLOSES && chain?.kind === 'peer' ? [{ side: chain.side, address: chain.address, port: chain.port }] : []
  })
}
