import { join } from 'node:path'
import t from 'tap'
import { NODE } from '../program.ts'
import { grpcFollows } from './grpc-follows.ts'

t.setTimeout(120_000)

t.test('grpc-js\' xDS client takes a service from us and follows its changes', async (t) => {
  // grpc-js-xds 1.14 knows no channel credentials with a certificate: a relay in front of it proves who it is.
  await grpcFollows(t, { command: [NODE, join(import.meta.dirname, 'grpc-js-client', 'client-process.ts')], identity: 'a relay\'s' })
})
