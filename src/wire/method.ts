import { fromBinary, toBinary, type DescMessage, type DescMethod, type MessageShape } from '@bufbuild/protobuf'
import type { MethodDefinition } from '@grpc/grpc-js'

type Input<M extends DescMethod> = MessageShape<M['input']>
type Output<M extends DescMethod> = MessageShape<M['output']>

/**
 * What @grpc/grpc-js needs to call or serve a method of a generated service. The server gets null for bytes that are
 * not the request message, so that the handler can refuse them in its own words; grpc-js itself would answer INTERNAL.
 */
export function methodOf<M extends DescMethod> (method: M): MethodDefinition<Input<M> | null, Output<M>> {
  const { input, output } = method
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
    requestSerialize: (message) => message === null ? Buffer.alloc(0) : serialize(input, message),
    requestDeserialize: (bytes) => parse<M['input']>(input, bytes),
    responseSerialize: (message) => serialize(output, message),
    responseDeserialize: (bytes) => fromBinary<M['output']>(output, bytes),
  }
}

function serialize (schema: DescMessage, message: MessageShape<DescMessage>): Buffer {
  const bytes = toBinary(schema, message)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function parse<D extends DescMessage> (schema: D, bytes: Uint8Array): MessageShape<D> | null {
  try {
    return fromBinary(schema, bytes)
  } catch {
    return null // fromBinary throws for nothing but malformed bytes
  }
}
