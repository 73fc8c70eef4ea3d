import { create } from '@bufbuild/protobuf'
import { status, type sendUnaryData, type Server, type ServerDuplexStream, type ServerUnaryCall } from '@grpc/grpc-js'
import { ClientResourceStatus } from '../src/wire/gen/xds/envoy/admin/v3/config_dump_shared_pb.js'
import {
  ClientConfigSchema, ClientStatusDiscoveryService, ClientStatusResponseSchema, ConfigStatus,
  type ClientConfig, type ClientStatusRequest, type ClientStatusResponse,
} from '../src/wire/gen/xds/envoy/service/status/v3/csds_pb.js'
import { serverMethod, type Malformed } from '../src/wire/method.ts'
import { nodeOf } from './bootstrap.ts'
import { refusedWatcher, SHUTTING_DOWN, type Calls, type Client, type MayWatch, type Refused } from './calls.ts'
import { readNodeMatchers } from './node-matcher.ts'
import type { ResourceState } from './resource-state.ts'
import { SECRET } from './resource-type.ts'

type StatusCall = ServerDuplexStream<ClientStatusRequest | Malformed, ClientStatusResponse>
type FetchCall = ServerUnaryCall<ClientStatusRequest | Malformed, ClientStatusResponse>

/** People and tools that look, not processes that follow. */
const MAX_STREAMS = 16
/** Clients in one answer, of some 10 kB each with their resources. */
const MAX_CLIENTS = 1_000

/** CSDS: what every client that is connected here was sent, and what it answered. */
export class ClientStatusCalls implements Calls {
  readonly #mayWatch: MayWatch
  readonly #streams = new Set<StatusCall>()
  #clients: () => readonly Client[] = () => []

  constructor ({ mayWatch }: { readonly mayWatch: MayWatch }) {
    this.#mayWatch = mayWatch
  }

  register (server: Pick<Server, 'addService'>, clients: () => readonly Client[]): void {
    this.#clients = clients
    const { streamClientStatus, fetchClientStatus } = ClientStatusDiscoveryService.method
    server.addService(
      { streamClientStatus: serverMethod(streamClientStatus), fetchClientStatus: serverMethod(fetchClientStatus) },
      {
        streamClientStatus: (call: StatusCall) => this.#serve(call),
        fetchClientStatus: (call: FetchCall, reply: sendUnaryData<ClientStatusResponse>) => {
          const answer = refusedWatcher(call, this.#mayWatch) ?? this.#answer(call.request)
          if ('code' in answer) reply(answer)
          else reply(null, answer)
        },
      }
    )
  }

  end (): void {
    for (const call of [...this.#streams]) call.emit('error', SHUTTING_DOWN)
  }

  #serve (call: StatusCall): void {
    const refused = refusedWatcher(call, this.#mayWatch) ?? (this.#streams.size < MAX_STREAMS ? null : { code: status.RESOURCE_EXHAUSTED, details: `${MAX_STREAMS} streams ask for the status of clients already` })
    if (refused !== null) {
      call.emit('error', refused)
      return
    }
    this.#streams.add(call)
    call.on('data', (request: ClientStatusRequest | Malformed) => {
      const answer = this.#answer(request)
      if ('code' in answer) {
        call.emit('error', answer)
        return
      }
      call.pause() // the next is answered when the client has taken this one
      call.write(answer, () => call.resume())
    })
    call.on('end', () => call.end())
    for (const event of ['cancelled', 'error', 'close']) call.on(event, () => this.#streams.delete(call))
  }

  #answer (request: ClientStatusRequest | Malformed): ClientStatusResponse | Refused {
    if (request.$typeName === 'malformed') return { code: status.INVALID_ARGUMENT, details: 'the request is no ClientStatusRequest' }
    const isMeant = readNodeMatchers(request.nodeMatchers)
    if (typeof isMeant === 'string') return { code: status.INVALID_ARGUMENT, details: isMeant }
    const meant = this.#clients().filter(({ identity }) => isMeant(nodeOf(identity).id))
    if (meant.length > MAX_CLIENTS) return { code: status.RESOURCE_EXHAUSTED, details: `${meant.length} clients are meant, more than ${MAX_CLIENTS}; say which by node_matchers` }
    return create(ClientStatusResponseSchema, { config: meant.map((client) => configOf(client, !request.excludeResourceContents)) })
  }
}

const STATUS: Readonly<Record<ResourceState['status'], ConfigStatus>> = {
  synced: ConfigStatus.SYNCED, 'not-sent': ConfigStatus.NOT_SENT, stale: ConfigStatus.STALE, refused: ConfigStatus.ERROR,
}
const CLIENT_STATUS: Readonly<Record<ResourceState['client'], ClientResourceStatus>> = {
  unknown: ClientResourceStatus.UNKNOWN,
  requested: ClientResourceStatus.REQUESTED,
  'does-not-exist': ClientResourceStatus.DOES_NOT_EXIST,
  acked: ClientResourceStatus.ACKED,
  nacked: ClientResourceStatus.NACKED,
}

function configOf (client: Client, withContents: boolean): ClientConfig {
  return create(ClientConfigSchema, {
    node: nodeOf(client.identity),
    genericXdsConfigs: client.resources().map(({ type, name, version, body, status, client, words }) => ({
      typeUrl: type,
      name,
      versionInfo: version,
      configStatus: STATUS[status],
      clientStatus: CLIENT_STATUS[client],
      ...body === null || !withContents || type === SECRET ? {} : { xdsConfig: body },
      ...status === 'refused' ? { errorState: { details: words, versionInfo: version } } : {},
    })),
  })
}
