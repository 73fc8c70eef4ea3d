import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js'
import type { Credentials } from '../core/identity.ts'

/** A server that talks to nobody without a certificate from one of the authorities. */
export const serverTls = ({ certificate, key, authorities }: Credentials): ServerCredentials =>
  ServerCredentials.createSsl(Buffer.from(authorities), [{ private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) }], true)

/** A client that proves itself and checks the server's name and authority. */
export const clientTls = ({ certificate, key, authorities }: Credentials): ChannelCredentials =>
  ChannelCredentials.createSsl(Buffer.from(authorities), Buffer.from(key), Buffer.from(certificate))
