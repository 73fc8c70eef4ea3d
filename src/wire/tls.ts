import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { ChannelCredentials, Client, experimental, type ChannelOptions, type ServerCredentials } from '@grpc/grpc-js'
import { identityOfPeer, spiffeId, type Credentials, type Identity } from '../core/identity.ts'
import type { CredentialSource } from '../ports/identity.ts'

/**
 * A server that talks to nobody without a certificate from one of the authorities. New connections get the newest
 * certificate and are measured by the newest bundle; those that are open stay. While there are no credentials, connections are dropped.
 */
export function serverTls (source: CredentialSource): ServerCredentials {
  const provider = new SourceProvider(source)
  // One provider in both places: grpc-js 1.14 names the two parameters in the order opposite to that of its constructor.
  return experimental.createCertificateProviderServerCredentials(provider, provider, true)
}

type Update<Listener extends (update: never) => void> = Exclude<Parameters<Listener>[0], null>

/** grpc-js' view of a credential source. It follows the source only while a server listens. */
class SourceProvider implements experimental.CertificateProvider {
  readonly #source: CredentialSource
  readonly #identity = new Set<experimental.IdentityCertificateUpdateListener>()
  readonly #authorities = new Set<experimental.CaCertificateUpdateListener>()
  #following: Disposable | null = null

  constructor (source: CredentialSource) {
    this.#source = source
  }

  addIdentityCertificateListener (listener: experimental.IdentityCertificateUpdateListener): void {
    this.#identity.add(listener)
    this.#added()
  }

  removeIdentityCertificateListener (listener: experimental.IdentityCertificateUpdateListener): void {
    this.#identity.delete(listener)
    this.#removed()
  }

  addCaCertificateListener (listener: experimental.CaCertificateUpdateListener): void {
    this.#authorities.add(listener)
    this.#added()
  }

  removeCaCertificateListener (listener: experimental.CaCertificateUpdateListener): void {
    this.#authorities.delete(listener)
    this.#removed()
  }

  #added (): void {
    this.#following ??= this.#source.onChange(() => this.#tell())
    // Told later, as grpc-js' own provider does it: what is told within the call that adds a listener is lost.
    process.nextTick(() => this.#tell())
  }

  #removed (): void {
    if (this.#identity.size + this.#authorities.size > 0) return
    this.#following?.[Symbol.dispose]()
    this.#following = null
  }

  #tell (): void {
    const { identity, authorities } = this.#read()
    for (const listener of this.#authorities) listener(authorities)
    for (const listener of this.#identity) listener(identity)
  }

  #read (): { identity: Update<experimental.IdentityCertificateUpdateListener> | null, authorities: Update<experimental.CaCertificateUpdateListener> | null } {
    try {
      const { certificate, key, authorities } = this.#source.current()
      return { identity: { certificate: Buffer.from(certificate), privateKey: Buffer.from(key) }, authorities: { caCertificate: Buffer.from(authorities) } }
    } catch {
      return { identity: null, authorities: null } // UNAVAILABLE: there are none yet
    }
  }
}

/** What may be under way on a connection: HTTP/2's own 64 KiB hold less than one full event of scores. */
export const FLOW_CONTROL_WINDOW_BYTES = 1 << 20

const OPTIONS: ChannelOptions = {
  // A connection of its own for each client: grpc-js would otherwise keep failed ones, and add its back-off to ours.
  'grpc.use_local_subchannel_pool': 1,
  // A server that is frozen or cut off is given up after 15 s.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
}

/** What is said as the server's name where it is dialled by address (RFC 6066 allows no address there) or known by its identity. */
const NO_NAME = 'by-address.autoshield.invalid'

/**
 * Checks that a server, whose chain the TLS layer has verified, is the workload that was meant. For `checkServerIdentity`.
 * Every workload's certificate is from the same authorities, so a valid chain alone says nothing of who it is.
 */
export const isServer = (server: Identity) => (_name: string, peer: Pick<PeerCertificate, 'subjectaltname'>): Error | undefined => {
  const found = identityOfPeer(peer)
  const [wanted, is] = [spiffeId(server), found === null ? 'no workload' : spiffeId(found)]
  return wanted === is ? undefined : new Error(`the server is ${is} and not ${wanted}`)
}

export interface ConnectOptions {
  /** Who must answer. Without it, the server's certificate must carry the name or address that was dialled. */
  readonly server?: Identity
}

/** A client of `HOST:PORT` that proves itself, and checks the server's authority and who it is. Connects when first used. */
export function connect (target: string, { certificate, key, authorities }: Credentials, { server }: ConnectOptions = {}): Client {
  const host = target.slice(0, target.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1')
  const byName = server === undefined && isIP(host) === 0
  const check = server === undefined ? (_name: string, peer: PeerCertificate) => checkServerIdentity(host, peer) : isServer(server)
  const credentials = ChannelCredentials.createSsl(Buffer.from(authorities), Buffer.from(key), Buffer.from(certificate), byName ? {} : { checkServerIdentity: check })
  return new Client(target, credentials, byName ? OPTIONS : { ...OPTIONS, 'grpc.ssl_target_name_override': NO_NAME })
}
