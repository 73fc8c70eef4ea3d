import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import { ChannelCredentials, Client, ServerCredentials, type ChannelOptions } from '@grpc/grpc-js'
import type { Credentials } from '../core/identity.ts'

/** A server that talks to nobody without a certificate from one of the authorities. */
export const serverTls = ({ certificate, key, authorities }: Credentials): ServerCredentials =>
  ServerCredentials.createSsl(Buffer.from(authorities), [{ private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) }], true)

/** What may be under way on a connection: HTTP/2's own 64 KiB hold less than one full event of scores. */
export const FLOW_CONTROL_WINDOW_BYTES = 1 << 20

const OPTIONS: ChannelOptions = {
  // A connection of its own for each client: grpc-js would otherwise keep failed ones, and add its back-off to ours.
  'grpc.use_local_subchannel_pool': 1,
  // A server that is frozen or cut off is given up after 15 s.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
}

/** What is said as the server's name where it is dialled by address (RFC 6066 allows no address there). */
const NO_NAME = 'by-address.autoshield.invalid'

/** A client of `HOST:PORT` that proves itself, and checks the server's authority and its name or address. Connects when first used. */
export function connect (target: string, { certificate, key, authorities }: Credentials): Client {
  const host = target.slice(0, target.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1')
  const byAddress = isIP(host) !== 0
  const credentials = ChannelCredentials.createSsl(Buffer.from(authorities), Buffer.from(key), Buffer.from(certificate),
    byAddress ? { checkServerIdentity: (_name, peer) => checkServerIdentity(host, peer) } : {})
  return new Client(target, credentials, byAddress ? { ...OPTIONS, 'grpc.ssl_target_name_override': NO_NAME } : OPTIONS)
}
