import { Type } from 'typebox'
import { Compile } from 'typebox/compile'

/** A filter chain of a listener that Envoy uses. */
export interface DumpedChain {
  readonly name: string
  /** Name of its first filter; empty for none. */
  readonly first: string
}

/** What is read of Envoy's dump of its listeners (envoy.admin.v3.ListenersConfigDump). */
const Dump = Compile(Type.Object({
  configs: Type.Optional(Type.Array(Type.Object({
    active_state: Type.Optional(Type.Object({
      listener: Type.Object({ filter_chains: Type.Optional(Type.Array(Type.Object({ name: Type.Optional(Type.String()), filters: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))) }))) }),
    })),
  }))),
}))

/** Of all listeners that Envoy uses now; null where the text is no such dump. */
export function chainsIn (text: string): readonly DumpedChain[] | null {
  let dump: unknown
  try {
    dump = JSON.parse(text)
  } catch {
    return null
  }
  if (!Dump.Check(dump)) return null
  return (dump.configs ?? []).flatMap(({ active_state: active }) => active?.listener.filter_chains ?? []).map(({ name = '', filters = [] }) => ({ name, first: filters[0]?.name ?? '' }))
}
