import { fromBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf'
import { ClusterSchema } from '../../../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { TypedExtensionConfigSchema } from '../../../src/wire/gen/xds/envoy/config/core/v3/extension_pb.js'
import { ClusterLoadAssignmentSchema } from '../../../src/wire/gen/xds/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema } from '../../../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema } from '../../../src/wire/gen/xds/envoy/config/route/v3/route_pb.js'
import { SecretSchema } from '../../../src/wire/gen/xds/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { connect } from '../../../src/wire/tls.ts'
import { createSnapshot, type Snapshot } from '../../../xds/snapshot.ts'
import { SetSource } from '../grpc-service.ts'
import { Laboratory } from '../laboratory.ts'
import { NODE_ID, type Control, type Held } from './control.ts'

function snapshotOf (world: ReadonlyMap<string, Held>): Snapshot {
  const of = <Schema extends DescMessage>(schema: Schema): MessageShape<Schema>[] =>
    world.get(`type.googleapis.com/${schema.typeName}`)?.resources.map(({ body }) => fromBinary(schema, body.value)) ?? []
  return createSnapshot({
    clusters: of(ClusterSchema), endpoints: of(ClusterLoadAssignmentSchema), listeners: of(ListenerSchema), routes: of(RouteConfigurationSchema), secrets: of(SecretSchema), extensions: of(TypedExtensionConfigSchema),
  }, [])
}

/** Our own server before whatever resources it is told to have. */
export class Autoshield implements Control, AsyncDisposable {
  readonly #source: SetSource
  readonly laboratory: Laboratory

  private constructor (laboratory: Laboratory, source: SetSource) {
    this.laboratory = laboratory
    this.#source = source
  }

  static async start (): Promise<Autoshield> {
    const [laboratory, source] = [new Laboratory(), new SetSource(createSnapshot({}, []))]
    await laboratory.serve(source)
    return new Autoshield(laboratory, source)
  }

  set (world: ReadonlyMap<string, Held>): void {
    this.#source.set(snapshotOf(world))
  }

  open (): ReturnType<typeof connect> {
    return connect(`127.0.0.1:${this.laboratory.port}`, this.laboratory.credentials(NODE_ID))
  }

  [Symbol.asyncDispose] (): Promise<void> {
    return this.laboratory.stop()
  }
}
