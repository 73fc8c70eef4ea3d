/** The 12 features, in the order of a tensor's columns; raw values, scaling lives in the model's graph. */
export const FEATURES = [
  'flow_count', 'bytes_sent', 'bytes_received', 'syn_count', 'ack_count', 'rst_count', 'fin_count',
  'duration_s', 'iat_mean_ms', 'iat_std_ms', 'failed_conn_ratio', 'unique_ports',
] as const
export type FeatureName = (typeof FEATURES)[number]

export const KEY_KINDS = ['pair', 'fan-out', 'fan-in'] as const
export type KeyKind = (typeof KEY_KINDS)[number]

/** Window lengths in milliseconds, shortest first. Each is a multiple of the one before, so longer windows are folded from shorter ones. */
export const STEPS_MS = [500, 15_000, 60_000] as const
export type StepMs = (typeof STEPS_MS)[number]

/** Windows in a tensor. */
export const TENSOR_WINDOWS = 20

/** Distinct-count sketches are linear-counting bitmaps of this many bits (Whang et al. 1990); union is bitwise OR. */
export const SKETCH_BITS = 256
export const SKETCH_BYTES = SKETCH_BITS / 8

/** How many of the most used responder ports a window names. */
export const MAX_NAMED_PORTS = 8

/** What went on at one responder port, in one protocol, within one 60 s window of a pair. */
export interface PortUse {
  /** IANA's number of the protocol. */
  readonly protocol: number
  /** 0: no port in this protocol, or all ports of it that are not named. */
  readonly port: number
  /** Flows whose first packet is in the window. */
  readonly begun: number
  /** Flows with a packet in the window that had begun before it. */
  readonly carried: number
  /** Attempts that were decided in the window and failed. */
  readonly failed: number
  /** Layer-4 payload from initiator to responder, and back. */
  readonly bytesSent: number
  readonly bytesReceived: number
}

/**
 * Whom a window is about. Addresses are canonical text (RFC 5952 for IPv6; IPv4-mapped addresses as IPv4).
 * A fan-out has no one destination and a fan-in no one source.
 */
export type WindowKey =
  | { readonly kind: 'pair', readonly source: string, readonly destination: string }
  | { readonly kind: 'fan-out', readonly source: string }
  | { readonly kind: 'fan-in', readonly destination: string }

/** A stable text of a key, unique among keys; used in maps, logs and links. */
export function keyId (key: WindowKey): string {
  switch (key.kind) {
    case 'pair': return `${key.source}>${key.destination}`
    case 'fan-out': return `${key.source}>*`
    case 'fan-in': return `*>${key.destination}`
  }
}

/** What beside the twelve features a window carries; sums over the window. */
export const COUNTERS = [
  'packets_sent', 'packets_received',
  'half_open', // SYN-ACKs that were never acknowledged
  'unanswered', // attempts, or UDP packets, without any reply
  'tcp_packets', 'udp_packets', 'icmp_packets',
] as const
export type CounterName = (typeof COUNTERS)[number]

/** Bits of `Window.quality`: what the source could only estimate, or not see at all. 0 from a packet source. */
export const QUALITY = { iatEstimated: 1, flagsMissing: 2, bytesEstimated: 4, tablesFull: 8, packetsEstimated: 16 } as const

/** 12 features of one key over one step of time, with its counters. Not mutated after it was made. */
export interface Window {
  readonly key: WindowKey
  readonly stepMs: StepMs
  /** Unix ms of the key's first packet within the window; the window's start where it holds decided attempts and no packet. */
  readonly firstPacketMs: number
  /** floor(Unix time in ms / stepMs) of the window's start; does not fit 32 bits. */
  readonly number: number
  /** Length FEATURES.length. Counts, bytes, seconds, milliseconds and ratios as FEATURES says. */
  readonly features: Float64Array
  /** Length COUNTERS.length. */
  readonly counters: Float64Array
  /** The most used responder ports, most packets first, at most MAX_NAMED_PORTS; TCP and UDP alike. */
  readonly ports: readonly { readonly port: number, readonly packets: number }[]
  /** Of a pair in 60 s alone: what went on at each responder port, by protocol and port; absent where the source does not tell. */
  readonly uses?: readonly PortUse[]
  /**
   * Of `flow_count`, those of which the observer knows that their source is real (`FlowProofs`). One that is proved a window late counts
   * for both windows where it is. Absent where the source does not tell.
   */
  readonly proved?: number
  /** Distinct responder ports (pair), (address, port) (fan-out), or ports (fan-in). SKETCH_BYTES long. */
  readonly portSketch: Uint8Array
  /** Distinct destination addresses (fan-out) or sources (fan-in); empty (all zero) for a pair. SKETCH_BYTES long. */
  readonly peerSketch: Uint8Array
  readonly quality: number
}

/** Names the meaning of what is in a window: two parts that differ in it must not talk. Changes whenever a meaning changes. */
export const FEATURE_SCHEMA = 'autoshield.dev/features/v1'

/** A window's start, in Unix milliseconds. */
export const windowStartMs = (window: Pick<Window, 'number' | 'stepMs'>): number => window.number * window.stepMs
