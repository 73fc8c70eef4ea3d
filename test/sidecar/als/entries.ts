import { parseAddress } from '../../../src/core/flow/address.ts'
import type { ProxyEntry } from '../../../sidecar/als/proxy-entry.ts'

export const T0 = 1_700_000_000_000

/** An entry of a connection of 10.0.0.9 to the pod 10.0.0.1, port 80, that began at T0; over after 20 ms unless told otherwise. */
export function entry (change: Partial<Omit<ProxyEntry, 'peer' | 'local'>> & { readonly from?: string, readonly fromPort?: number, readonly to?: string, readonly toPort?: number } = {}): ProxyEntry {
  const { from = '10.0.0.9', fromPort = 40_000, to = '10.0.0.1', toPort = 80, ...rest } = change
  return {
    kind: 'ended',
    startMs: T0,
    endMs: rest.kind === undefined || rest.kind === 'ended' || rest.kind === 'request' ? (rest.startMs ?? T0) + 20 : null,
    sentBytes: 0,
    receivedBytes: 0,
    fate: 'passed',
    reached: true,
    brokenBy: null,
    shadowed: false,
    chain: 'default',
    port: null,
    stream: '',
    cookie: '1',
    peer: { address: parseAddress(from), port: fromPort },
    local: { address: parseAddress(to), port: toPort },
    ...rest,
  }
}
