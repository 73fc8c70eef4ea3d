import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { StringValueSchema, type StringValue } from '@bufbuild/protobuf/wkt'
import { Server, ServerCredentials, type Client, type MethodDefinition, type sendUnaryData } from '@grpc/grpc-js'

const write = (message: StringValue): Buffer => Buffer.from(toBinary(StringValueSchema, message))
const read = (bytes: Buffer): StringValue => fromBinary(StringValueSchema, bytes)
const METHOD: MethodDefinition<StringValue, StringValue> = {
  path: '/autoshield.test.Name/Name', requestStream: false, responseStream: false, requestSerialize: write, requestDeserialize: read, responseSerialize: write, responseDeserialize: read,
}

/** What one call came to: gRPC's status code, and who answered. */
export interface Called { readonly code: number, readonly backend: string }

/** A gRPC server on loopback that answers with its name. */
export async function backend (name: string): Promise<{ port: number } & Disposable> {
  const server = new Server()
  server.addService({ name: METHOD }, { name: (_call: unknown, reply: sendUnaryData<StringValue>) => reply(null, create(StringValueSchema, { value: name })) })
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => error === null ? resolve(port) : reject(error))
  return { port: await promise, [Symbol.dispose]: () => server.forceShutdown() }
}

export function ask (client: Client): Promise<Called> {
  const { promise, resolve } = Promise.withResolvers<Called>()
  client.makeUnaryRequest(METHOD.path, METHOD.requestSerialize, METHOD.responseDeserialize, create(StringValueSchema), { deadline: Date.now() + 10_000 }, (error, answer) => resolve({ code: error?.code ?? 0, backend: answer?.value ?? '' }))
  return promise
}
