// A gRPC server that knows nothing: to each proxy it sends the bytes that it was given, and counts answers. What it takes, Node's
// TLS, HTTP/2 and grpc-js take of the xDS server. It is told what to do as `test/bench/go-control-plane` is.
import { setTimeout } from 'node:timers/promises'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import type { Credentials } from '../../src/core/identity.ts'
import { DeltaDiscoveryResponseSchema, type DeltaDiscoveryRequest } from '../../src/wire/gen/xds/envoy/service/discovery/v3/discovery_pb.js'
import type { Malformed } from '../../src/wire/method.ts'
import { ADS_DEFINITION } from '../../xds/protocol.ts'
import { CLUSTER, LISTENER } from '../../xds/resource-type.ts'
import { obey } from './obey.ts'

interface Bodies { readonly clusters: readonly string[], readonly listeners: readonly string[] }
type Command =
  | { readonly do: 'start', readonly credentials: Credentials, readonly proxies: number, readonly open: Bodies, readonly restricted: Bodies }
  | { readonly do: 'settle', readonly proxies: number }
  | { readonly do: 'restrict' | 'lift' | 'memory' }
type Call = ServerDuplexStream<DeltaDiscoveryRequest | Malformed, Buffer>

const calls = new Set<Call>()
let [answered, awaited] = [0, 0]
/** Responses: clusters, and the listeners of a proxy that nothing restricts, or something does. */
const responses: Record<'clusters' | 'lift' | 'restrict', Buffer> = { clusters: Buffer.alloc(0), lift: Buffer.alloc(0), restrict: Buffer.alloc(0) }
let settled = Promise.withResolvers<undefined>()

const response = (typeUrl: string, bodies: readonly string[]): Buffer => Buffer.from(toBinary(DeltaDiscoveryResponseSchema, create(DeltaDiscoveryResponseSchema, {
  typeUrl, nonce: '1', resources: bodies.map((body, at) => ({ name: String(at), version: '1', resource: fromBinary(AnySchema, Buffer.from(body, 'base64')) })),
})))

function deltaAggregatedResources (call: Call): void {
  calls.add(call)
  for (const event of ['cancelled', 'error', 'close']) call.on(event, () => calls.delete(call))
  call.on('end', () => call.end())
  call.on('data', (request: DeltaDiscoveryRequest | Malformed) => {
    if (!('typeUrl' in request)) throw new Error('a proxy sent what is no request')
    if (request.responseNonce === '') call.write(request.typeUrl === CLUSTER ? responses.clusters : responses.lift)
    else if (request.typeUrl === LISTENER && ++answered >= awaited) settled.resolve(undefined)
  })
}

/** Milliseconds until so many more proxies have answered for their listeners. */
async function answers (count: number): Promise<{ ms: number }> {
  const startedMs = performance.now()
  awaited = count
  if (answered < awaited) await settled.promise
  settled = Promise.withResolvers()
  answered = 0
  return { ms: performance.now() - startedMs }
}

async function push (what: 'lift' | 'restrict'): Promise<{ ms: number }> {
  const all = answers(calls.size)
  for (const call of calls) call.write(responses[what])
  return await all
}

async function answer (command: Command): Promise<unknown> {
  switch (command.do) {
    case 'start': {
      const { certificate, key, authorities } = command.credentials
      responses.clusters = response(CLUSTER, command.open.clusters)
      responses.lift = response(LISTENER, command.open.listeners)
      responses.restrict = response(LISTENER, command.restricted.listeners)
      awaited = Infinity
      const server = new Server({ 'grpc.enable_channelz': 0 })
      server.addService({ deltaAggregatedResources: ADS_DEFINITION.deltaAggregatedResources }, { deltaAggregatedResources })
      const credentials = ServerCredentials.createSsl(Buffer.from(authorities), [{ cert_chain: Buffer.from(certificate), private_key: Buffer.from(key) }], true)
      return { port: await new Promise((resolve, reject) => { server.bindAsync('127.0.0.1:0', credentials, (error, port) => error === null ? resolve(port) : reject(error)) }) }
    }
    case 'settle': return await answers(command.proxies)
    case 'restrict':
    case 'lift': return await push(command.do)
    case 'memory': {
      for (let turn = 0; turn < 2; turn++) {
        globalThis.gc?.()
        await setTimeout(300) // V8 gives freed pages back beside the program
      }
      return { rssBytes: process.memoryUsage.rss() }
    }
  }
}

await obey((line) => answer(JSON.parse(line) as Command))
