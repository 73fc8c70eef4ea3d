import type { MethodDefinition } from '@grpc/grpc-js'

const asIs = (bytes: Buffer): Buffer => bytes

/** A bidirectional stream of bytes. */
export const ECHO: MethodDefinition<Buffer, Buffer> = {
  path: '/autoshield.bench.Echo/Echo',
  requestStream: true,
  responseStream: true,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
}
