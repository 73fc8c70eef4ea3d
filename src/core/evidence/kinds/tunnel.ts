import { number } from '../../explain/amount.ts'
import { COUNTERS, FEATURES } from '../../window/window.ts'
import { contextOf, destinationOf, sourceOf, sumOf } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'

const NAME_SERVICE = 53
/** Queries in the span that a statement needs. */
const LEAST_QUERIES = 50
/** Resolvers ask each query from a port of its own, so that answers cannot be forged (RFC 5452, section 9.2); a tunnel keeps its socket. */
const QUERIES_A_SOCKET = 10
/** Payload of query and answer together, from which on more than names is carried. */
const FULL_BYTES = 200
/** Mean payload of a query: a name of 40 characters makes 58. */
const LONG_QUERY = 80
const VERY_LONG_QUERY = 130

export const NAME_TUNNEL: EvidenceKind = {
  name: 'name-tunnel',
  looksAt: 'at least 50 queries at port 53: ten a socket with 200 bytes for query and answer in full; queries of 80 bytes and more on average a tenth, of 130 three quarters',
  weights: { DATA_EXFILTRATION: 3 },
  find: (facts): Finding | null => {
    const { key, window } = facts.score
    if (key.kind !== 'pair' || window.ports[0]?.port !== NAME_SERVICE) return null
    const [queries, answers] = [contextOf(facts, 'packets_sent'), contextOf(facts, 'packets_received')]
    if (queries < LEAST_QUERIES) return null
    const [query, answer] = [sumOf(facts, 'bytes_sent') / queries, sumOf(facts, 'bytes_received') / Math.max(1, answers)]
    const aSocket = (window.counters[SENT_PACKETS] ?? 0) / Math.max(1, window.features[FLOWS] ?? 0)
    const strength = aSocket >= QUERIES_A_SOCKET && query + answer >= FULL_BYTES ? 1 : query >= VERY_LONG_QUERY ? 0.75 : query >= LONG_QUERY ? 0.1 : 0
    if (strength === 0) return null
    return { strength, sentence: `${sourceOf(facts)} asked the name service at ${destinationOf(facts)} ${number(queries)} times, ${number(aSocket)} queries a socket, with ${number(query)} bytes in a query and ${number(answer)} in an answer` }
  },
}

const SENT_PACKETS = COUNTERS.indexOf('packets_sent')
const FLOWS = FEATURES.indexOf('flow_count')

const LEAST_ECHOES = 5
/** Windows sends 32 bytes, Linux 56, with a time in them. */
const FULL_ECHO = 100
const VERY_FULL_ECHO = 400

export const ECHO_TUNNEL: EvidenceKind = {
  name: 'echo-tunnel',
  looksAt: 'a pair that speaks ICMP alone, at least 5 packets sent with 100 bytes of payload on average: half, from 400 on in full',
  weights: { DATA_EXFILTRATION: 2 },
  find: (facts): Finding | null => {
    if (facts.score.key.kind !== 'pair' || contextOf(facts, 'share_icmp') < 0.95) return null
    const sent = contextOf(facts, 'packets_sent')
    const payload = contextOf(facts, 'mean_payload_sent')
    if (sent < LEAST_ECHOES || payload < FULL_ECHO) return null
    return { strength: payload >= VERY_FULL_ECHO ? 1 : 0.5, sentence: `${sourceOf(facts)} sent ${number(sent)} ICMP packets to ${destinationOf(facts)} with ${number(payload)} bytes in each` }
  },
}
