import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { ServerCredentials, type Server as GrpcServer } from '@grpc/grpc-js'
import { identityOfPeer, type Identity } from '../src/core/identity.ts'
import type { Clock } from '../src/ports/clock.ts'
import type { CredentialSource } from '../src/ports/identity.ts'
import { boundConnections } from '../src/wire/connection-bound.ts'
import { followCredentials } from '../src/wire/follow-credentials.ts'
import { Authorities, signerOf } from './authorities.ts'
import { refuse, type Refusal } from './refusal.ts'

/** One client's connection, whose certificate one of the authorities signed. */
export interface Connection {
  /** Address that it came from. */
  readonly peer: string
  /** Null where the certificate names no workload. */
  readonly identity: Identity | null
  readonly serialNumber: string
  readonly notAfterMs: number
  /** Whether an authority that is trusted now signed it: one that was may have been taken away since. */
  readonly isTrusted: () => boolean
  /** When it has served long enough: from then on the client is to connect anew. */
  readonly endsAtMs: number
  /** Tells the client to connect anew (GOAWAY), and closes when the streams have ended, or after two seconds. */
  readonly drain: () => void
}

export interface ConnectionsOptions {
  readonly credentials: CredentialSource
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly maxAgeMs: number
  /** Over it the address that has most of them loses its oldest. */
  readonly most: number
  /** A handshake that came to nothing. */
  readonly onRefusal: (refusal: Refusal, peer: string) => void
}

const TLS = { minVersion: 'TLSv1.2' } as const // Envoy, as a client, speaks nothing newer unless told to
const HANDSHAKE_MS = 5_000
const DRAIN_MS = 2_000
/** Beyond it a connection has had its last GOAWAY, and is closed whatever it waits for. */
const LAST_GOODBYE_MS = 500
/** Connections that began together must not end together: a share of the age, each way. */
const JITTER = 0.2

/**
 * The connections of a gRPC server, made here and handed to it: grpc-js alone tells neither of a failed handshake nor lets a
 * single connection go. Each gets an injector of its own, which is what can send a GOAWAY to it alone (3.4 KiB).
 */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly #grpc: GrpcServer
  readonly #server: Server
  readonly #authorities: Authorities
  readonly #open = new Map<string, Connection>()
  /** Those whose handshake has neither succeeded nor failed yet. */
  readonly #shaking = new Map<string, Socket>()
  readonly #sockets = new Set<TLSSocket>()

  constructor (grpc: GrpcServer, options: ConnectionsOptions) {
    this.#options = options
    this.#grpc = grpc
    this.#authorities = new Authorities(options.credentials)
    this.#server = createServer({ ...TLS, ca: [], requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2'], handshakeTimeout: HANDSHAKE_MS, noDelay: true }, (socket) => this.#accept(socket))
    followCredentials(this.#server, options.credentials, TLS)
    boundConnections(this.#server, options.most, () => undefined)
    this.#server.on('connection', (socket: Socket) => this.#watchHandshake(socket))
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      if (this.#shaking.delete(keyOf(socket))) options.onRefusal(refuse('HandshakeFailed', error.code ?? error.message), addressOf(socket))
    })
  }

  get size (): number {
    return this.#open.size
  }

  /** Resolves with the port; rejects with Node's own error where it cannot be had. */
  async listen ({ host, port }: { readonly host: string, readonly port: number }): Promise<number> {
    this.#server.listen({ host, port })
    await once(this.#server, 'listening')
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : port
  }

  /**
   * Takes no new ones and sends every client to connect elsewhere. Resolves when all are gone, which is when their streams have ended, or
   * after two seconds. (grpc-js' own `tryShutdown` waits for none of them: Node's `close` marks sessions as closed that go on.)
   */
  async drain (): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#shaking.values()) socket.destroy()
    for (const connection of this.#open.values()) connection.drain()
    // grpc-js' own timer and a socket whose client is gone keep no process alive: without this one it could end before the drain has.
    const late = setTimeout(() => { for (const socket of this.#sockets) socket.destroy() }, DRAIN_MS + LAST_GOODBYE_MS)
    try {
      await closed
    } finally {
      clearTimeout(late)
    }
  }

  /** By what grpc-js calls the peer of a call. */
  of (peer: string): Connection | undefined {
    return this.#open.get(peer)
  }

  values (): Iterable<Connection> {
    return this.#open.values()
  }

  /** Who breaks off is told of here, for the TLS socket knows nothing of its peer any more. Who never said a byte wanted to know whether the port is open: kubelets do. */
  #watchHandshake (socket: Socket): void {
    const [key, peer] = [keyOf(socket), addressOf(socket)]
    this.#shaking.set(key, socket)
    socket.once('close', () => {
      if (this.#shaking.delete(key) && socket.bytesRead > 0) this.#options.onRefusal(refuse('HandshakeFailed', 'the client broke it off'), peer)
    })
  }

  #accept (socket: TLSSocket): void {
    socket.on('error', () => undefined) // it closes, which is all that matters
    const [key, peer] = [keyOf(socket), addressOf(socket)]
    if (!this.#shaking.delete(key)) {
      socket.destroy() // its client is gone
      return
    }
    const refusal = this.#refusalOf(socket)
    if (refusal !== null) {
      socket.destroy()
      this.#options.onRefusal(refusal, peer)
      return
    }
    const { clock, random, maxAgeMs } = this.#options
    const certificate = socket.getPeerX509Certificate()
    const signer = signerOf(certificate, this.#authorities.current())
    const injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure()) // what it is given is TLS already
    this.#open.set(key, {
      peer,
      identity: identityOfPeer({ subjectaltname: certificate?.subjectAltName }),
      serialNumber: certificate?.serialNumber ?? '',
      notAfterMs: certificate?.validToDate.getTime() ?? -Infinity,
      isTrusted: () => signer !== null && this.#authorities.current().has(signer),
      endsAtMs: clock.now() + maxAgeMs * (1 + JITTER * (2 * random() - 1)),
      drain: () => injector.drain(DRAIN_MS),
    })
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#open.delete(key)
      injector.destroy()
    })
    injector.injectConnection(socket)
  }

  #refusalOf (socket: TLSSocket): Refusal | null {
    if (socket.getPeerX509Certificate() === undefined) return refuse('NoCertificate')
    if (socket.authorized) return null
    const code = String(socket.authorizationError)
    return code === 'CERT_HAS_EXPIRED' ? refuse('Expired') : refuse('UnknownAuthority', code)
  }
}

/** As grpc-js calls the peer. */
const keyOf = ({ remoteAddress = '', remotePort = 0 }: { readonly remoteAddress?: string | undefined, readonly remotePort?: number | undefined }): string => `${remoteAddress}:${remotePort}`

/** Of an IPv4 client at an IPv6 socket, its IPv4 address. */
const addressOf = ({ remoteAddress = '' }: { readonly remoteAddress?: string | undefined }): string => remoteAddress.replace(/^::ffff:/, '')
