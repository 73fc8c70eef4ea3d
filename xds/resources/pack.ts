import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf'
import { anyPack, type Any } from '@bufbuild/protobuf/wkt'

/** A typed message inside an Any. */
export function pack<Schema extends DescMessage> (schema: Schema, content: MessageInitShape<Schema>): Any {
  return anyPack(schema, create(schema, content))
}

/** A filter of a chain, by the name of its extension. */
export interface NetworkFilter {
  readonly name: string
  readonly config: Any
}

/** google.protobuf.Duration of milliseconds, whole nanoseconds. */
export function duration (ms: number): { seconds: bigint, nanos: number } {
  const nanos = BigInt(Math.round(ms * 1e6))
  return { seconds: nanos / 1_000_000_000n, nanos: Number(nanos % 1_000_000_000n) }
}

/** An address in Envoy's words. */
export function socketAddress ({ address, port }: { address: string, port: number }) {
  return { address: { case: 'socketAddress' as const, value: { address, portSpecifier: { case: 'portValue' as const, value: port } } } }
}
