import type { TypeWord } from './resource.ts'

/** The two ways in which clients speak ADS: incremental and state of the world. */
export type Variant = 'delta' | 'sotw'

/** How a client answers a response; `hold` leaves it unanswered until an `answer` step. */
export type Reply = 'ack' | 'nack' | 'hold'

/** Streams of one client; a step that names none is on `first`. */
export type StreamWord = 'first' | 'second'

/**
 * What the server has from now on, by type; types that are not named keep what they had. `a1 b2` is a resource `a` of
 * content 1 and `b` of content 2; `a1>x` is one that names another resource (resource.ts says how).
 */
export interface Change { readonly set: Readonly<Partial<Record<TypeWord, string>>> }

/**
 * A request. It carries the newest nonce and accepted version where the variant's clients send them, and the node where
 * it is the first of its stream.
 */
export interface Ask {
  readonly ask: TypeWord | 'unknown'
  /** Names to be asked for besides those that are, `*` among them. Without `add` and `drop` the request names none (delta), or the same again (sotw). */
  readonly add?: string
  readonly drop?: string
  /** The client brings these from an earlier stream: `initial_resource_versions` (delta), the newest accepted `version_info` (sotw). */
  readonly kept?: string
  /** The nonce of the last but one response in place of the newest. */
  readonly nonce?: 'stale'
  /** Whether the node is sent in a request that is not the first. */
  readonly node?: 'again'
  readonly on?: StreamWord
}

/**
 * Responses of a type, until all of `gets` came (a server may spread them over several, except for the types of which sotw
 * demands all at once). `-c` is a resource that is said to be gone; '' an empty response.
 */
export interface Expect {
  readonly expect: TypeWord
  readonly gets: string
  /** Where state of the world differs; null where it says nothing of this. */
  readonly sotw?: string | null
  /** ACK where it is absent. */
  readonly then?: Reply
  /** It must not have come before what was expected last on this stream. */
  readonly order?: 'after'
  readonly on?: StreamWord
}

/** The answer to the response that is held. */
export interface Answer { readonly answer: TypeWord, readonly with: 'ack' | 'nack', readonly on?: StreamWord }

/** Nothing comes before a fence (README.md, "Silence"); `or` allows for a response that says nothing. */
export interface Silence { readonly silence: 'all', readonly or?: 'empty', readonly on?: StreamWord }

/** The stream is cut and another opened; what the client has of resources and versions stays. */
export interface Reconnect { readonly reconnect: StreamWord }

/** The server ends the stream with this gRPC status. */
export interface Ends { readonly ends: 'INVALID_ARGUMENT', readonly on?: StreamWord }

export type Step = Change | Ask | Expect | Answer | Silence | Reconnect | Ends

export interface Case {
  readonly title: string
  /** Section of the xDS protocol document, or message of discovery.proto. */
  readonly section: string
  /** `practice`: the document leaves it open, and clients or we rely on it. */
  readonly basis?: 'practice'
  /** Both where it is absent. */
  readonly only?: Variant
  /** An Envoy can be made to send these requests (README.md, "Envoy"). */
  readonly envoy?: true
  readonly steps: readonly Step[]
}
