import type { MessageInitShape } from '@bufbuild/protobuf'
import type { AddressSchema } from '../../src/wire/gen/xds/envoy/config/core/v3/address_pb.js'
import type { ClusterLoadAssignmentSchema } from '../../src/wire/gen/xds/envoy/config/endpoint/v3/endpoint_pb.js'

/** The endpoints of a cluster that has one. */
export function oneEndpoint (clusterName: string, address: MessageInitShape<typeof AddressSchema>): MessageInitShape<typeof ClusterLoadAssignmentSchema> {
  return { clusterName, endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address } } }] }] }
}
