import { parseChainName, type PeerChainName } from '../../src/wire/chain-name.ts'
import { chainsIn } from './listener-dump.ts'

/** An address that the pod's proxy denies, on every port or on one of the destination. */
export type Denial = PeerChainName

const CLOSES = 'envoy.filters.network.direct_response'

/** Whom the listeners that Envoy uses now deny; null where the text is no dump of them. */
export function denialsOf (text: string): readonly Denial[] | null {
  return chainsIn(text)?.flatMap(({ name, first }) => {
    const chain = parseChainName(name)
    return first === CLOSES && chain?.kind === 'peer' ? [{ side: chain.side, address: chain.address, port: chain.port }] : []
  }) ?? null
}
