import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Http1ProtocolOptionsSchema } from '../../src/wire/gen/xds/envoy/config/core/v3/protocol_pb.js'
import { PreserveCaseFormatterConfigSchema } from '../../src/wire/gen/xds/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb.js'
import { pack } from './pack.ts'

/** Header names keep their case: some applications of HTTP/1.1 look for it. */
export const AS_WRITTEN: MessageInitShape<typeof Http1ProtocolOptionsSchema> = {
  acceptHttp10: true,
  headerKeyFormat: {
    headerFormat: {
      case: 'statefulFormatter',
      value: { name: 'envoy.http.stateful_header_formatters.preserve_case', typedConfig: pack(PreserveCaseFormatterConfigSchema, {}) },
    },
  },
}
