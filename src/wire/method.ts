import { fromBinary, toBinary, type DescMessage, type DescMethod, type MessageShape } from '@bufbuild/protobuf'
import type { MethodDefinition } from '@grpc/grpc-js'

type Input<M extends DescMethod> = MessageShape<M['input']>
type Output<M extends DescMethod> = MessageShape<M['output']>

/** Bytes that were not the message that they should have been. */
export interface Malformed { readonly $typeName: 'malformed' }
const MALFORMED: Malformed = { $typeName: 'malformed' }

/** What a client of @grpc/grpc-js needs to call a method of a generated service. */
export function methodOf<M extends DescMethod> (method: M): MethodDefinition<Input<M>, Output<M>> {
  const { input, output } = method
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
    requestSerialize: (message) => serialize(input, message),
    requestDeserialize: (bytes) => fromBinary<M['input']>(input, bytes),
    responseSerialize: (message) => serialize(output, message),
    responseDeserialize: (bytes) => fromBinary<M['output']>(output, bytes),
  }
}

/** The same for a server, whose handler is told of malformed requests and can refuse them in its own words; grpc-js itself would answer INTERNAL. */
export function serverMethod<M extends DescMethod> (method: M): MethodDefinition<Input<M> | Malformed, Output<M>> {
  const definition = methodOf(method)
  return {
    ...definition,
    requestSerialize: () => { throw new TypeError('a server sends no requests') },
    requestDeserialize: (bytes) => {
      try {
        return definition.requestDeserialize(bytes)
      } catch {
        return MALFORMED // fromBinary throws for nothing but malformed bytes
      }
    },
  }
}

function serialize (schema: DescMessage, message: MessageShape<DescMessage>): Buffer {
  const bytes = toBinary(schema, message)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
