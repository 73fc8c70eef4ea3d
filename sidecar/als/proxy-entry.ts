import { parseAddress } from '../../src/core/flow/address.ts'
import type { Address } from '../../src/wire/gen/xds/envoy/config/core/v3/address_pb.js'
import type { Metadata } from '../../src/wire/gen/xds/envoy/config/core/v3/base_pb.js'
import { AccessLogType, type AccessLogCommon, type HTTPAccessLogEntry, type TCPAccessLogEntry } from '../../src/wire/gen/xds/envoy/data/accesslog/v3/accesslog_pb.js'
import { TAG } from '../../src/wire/access-log-tags.ts'
import type { ConnectionEnd, Report } from '../connections/connection-table.ts'

/** What the proxy did with a connection or a request. `failed`: it let it pass, and the application did not answer. */
export type Fate = 'passed' | 'failed' | 'denied' | 'limited'

/** One entry of an Envoy's access log, as far as anybody here reads it. */
export interface ProxyEntry extends Report {
  /**
   * `begun`: connected to the application. `going`: still open. `ended`: over, whatever became of it. `request`: an HTTP request that is over,
   * `requesting`: one that is not.
   */
  readonly kind: 'begun' | 'going' | 'ended' | 'request' | 'requesting'
  /** Of the connection or, for a request, of that; Unix ms. */
  readonly startMs: number
  /** Null while it is not over. */
  readonly endMs: number | null
  /** Payload from and to the initiator so far; of a request its own. */
  readonly sentBytes: number
  readonly receivedBytes: number
  readonly fate: Fate
  /** It was handed on to the application, or that was tried; of an HTTP connection only its requests are. */
  readonly reached: boolean
  /** Who broke it off, by a reset. */
  readonly brokenBy: 'initiator' | 'responder' | null
  /** A restriction in shadow would have stopped it. */
  readonly shadowed: boolean
  /** Name of the filter chain that it met. */
  readonly chain: string
  /** The port that the listener stands for; null where it stands for all. */
  readonly port: number | null
  /** Tells requests apart; empty for connections. */
  readonly stream: string
}

const RBAC = ['envoy.filters.network.rbac', 'envoy.filters.http.rbac']

/** Null where the entry is of no kind that is read here, or lacks what every entry of our loggers has. */
export function readTcpEntry ({ commonProperties: common, connectionProperties }: TCPAccessLogEntry): ProxyEntry | null {
  const kind = common === undefined ? undefined : TCP_KINDS.get(common.accessLogType)
  if (common === undefined || kind === undefined || connectionProperties === undefined) return null
  const closed = common.customTags[TAG.closed] ?? ''
  const limited = closed === 'over_connection_limit' || closed.startsWith('local_ratelimit')
  const denied = common.customTags[TAG.details] === 'direct_response' || closed.startsWith('rbac')
  return entryOf(common, {
    kind,
    sentBytes: Number(connectionProperties.receivedBytes),
    receivedBytes: Number(connectionProperties.sentBytes),
    fate: limited ? 'limited' : denied ? 'denied' : fateUpstream(common),
    stream: '',
  })
}

/** The same for an HTTP entry. */
export function readHttpEntry ({ commonProperties: common, response }: HTTPAccessLogEntry): ProxyEntry | null {
  const kind = common === undefined ? undefined : HTTP_KINDS.get(common.accessLogType)
  if (common === undefined || kind === undefined) return null
  const denied = response?.responseCodeDetails.startsWith('rbac_access_denied') === true || response?.responseCodeDetails === 'direct_response'
  return entryOf(common, {
    kind,
    sentBytes: Number(common.downstreamWireBytesReceived),
    receivedBytes: Number(common.downstreamWireBytesSent),
    fate: common.responseFlags?.rateLimited === true ? 'limited' : denied ? 'denied' : fateUpstream(common),
    stream: common.streamId,
  })
}

/** The listener's own log, which alone says how a connection ended, names no type. */
const TCP_KINDS = new Map<AccessLogType, ProxyEntry['kind']>([
  [AccessLogType.TcpUpstreamConnected, 'begun'], [AccessLogType.TcpPeriodic, 'going'], [AccessLogType.NotSet, 'ended'],
])
const HTTP_KINDS = new Map<AccessLogType, ProxyEntry['kind']>([[AccessLogType.DownstreamEnd, 'request'], [AccessLogType.DownstreamPeriodic, 'requesting']])

function fateUpstream ({ responseFlags }: AccessLogCommon): Fate {
  return responseFlags?.upstreamConnectionFailure === true || responseFlags?.noHealthyUpstream === true ? 'failed' : 'passed'
}

function entryOf (common: AccessLogCommon, of: Pick<ProxyEntry, 'kind' | 'sentBytes' | 'receivedBytes' | 'fate' | 'stream'>): ProxyEntry | null {
  const { startTime, duration, customTags, responseFlags } = common
  // Not downstream_remote_address: in HTTP a client's own X-Forwarded-For may be in it.
  const peer = endOf(common.downstreamDirectRemoteAddress)
  const local = endOf(common.downstreamLocalAddress)
  const cookie = customTags[TAG.connection]
  if (peer === null || local === null || cookie === undefined || startTime === undefined) return null
  const startMs = Number(startTime.seconds) * 1_000 + startTime.nanos / 1e6
  const isOver = of.kind === 'ended' || of.kind === 'request'
  const port = Number(customTags[TAG.port])
  return {
    ...of,
    peer,
    local,
    cookie,
    startMs,
    endMs: isOver ? startMs + (duration === undefined ? 0 : Number(duration.seconds) * 1_000 + duration.nanos / 1e6) : null,
    reached: common.upstreamRemoteAddress !== undefined,
    brokenBy: responseFlags?.upstreamRemoteReset === true ? 'responder' : customTags[TAG.detected] === 'RemoteReset' ? 'initiator' : null,
    shadowed: isShadowed(common.metadata),
    chain: customTags[TAG.chain] ?? '',
    port: Number.isInteger(port) && port > 0 ? port : null,
  }
}

function endOf (address: Address | undefined): ConnectionEnd | null {
  if (address?.address.case !== 'socketAddress') return null
  const { address: text, portSpecifier } = address.address.value
  const words = parseAddress(text)
  return words === null || portSpecifier.case !== 'portValue' ? null : { address: words, port: portSpecifier.value }
}

function isShadowed (metadata: Metadata | undefined): boolean {
  return RBAC.some((filter) => metadata?.filterMetadata[filter]?.['shadow_engine_result'] === 'denied')
}
