import type { Client } from '@grpc/grpc-js'
import { backoffMs, type Backoff } from '../../core/backoff.ts'
import type { AutoshieldError } from '../../core/errors.ts'
import type { Identity } from '../../core/identity.ts'
import type { CredentialSource } from '../../ports/identity.ts'
import { connect } from '../../wire/tls.ts'
import { wait } from '../../wire/wait.ts'
import { fromGrpc } from './foreign-error.ts'

/** Which servers there are now. */
export interface ServerDirectory {
  /** `HOST:PORT` each. */
  readonly list: () => readonly string[]
  readonly onChange: (listener: () => void) => Disposable
}

export interface FollowServersOptions {
  readonly servers: ServerDirectory
  /** The newest at each connection. */
  readonly credentials: CredentialSource
  /** What one is called in errors; an xDS server unless told otherwise. */
  readonly phrase?: (address: string) => string
  /** Who each of them must be. */
  readonly server: Identity
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly backoff?: Backoff
  /** Told why a server is not heard any more, before it is tried again. */
  readonly onDisconnect?: (error: AutoshieldError) => void
}

/** A server that is connected to, until the signal aborts. */
export interface Line {
  readonly address: string
  readonly client: Client
  readonly signal: AbortSignal
  /** To be called when what it says is of use: then it is soon tried again, should it end. */
  readonly onHeard: () => void
}

/** One stream, until it ends: by throwing, or by returning where the signal aborted. */
export type Hear = (line: Line) => Promise<void>

const BACKOFF: Backoff = { baseMs: 100, maxMs: 2_000 }

export const xdsServer = (address: string): string => `the xDS server at ${address}`

/** Asked anew each time: to the compiler a flag that was false stays false. */
const isLive = (signal: AbortSignal): boolean => !signal.aborted

/** Keeps a stream to every server that there is, until the signal aborts. */
export async function followServers (options: FollowServersOptions, hear: Hear, signal: AbortSignal): Promise<void> {
  const { servers } = options
  const followed = new Map<string, { readonly stop: AbortController, readonly ended: Promise<void> }>()
  const look = (): void => {
    const there = new Set(servers.list())
    for (const [address, { stop }] of followed) if (!there.has(address) || !isLive(signal)) stop.abort()
    for (const address of there) {
      if (followed.has(address) || !isLive(signal)) continue // also one that came back while its following ends
      const stop = new AbortController()
      const ended = follow(address, options, hear, stop.signal).finally(() => {
        followed.delete(address)
        look()
      })
      followed.set(address, { stop, ended })
    }
  }
  const looking = servers.onChange(look)
  look()
  const aborted = Promise.withResolvers<undefined>()
  signal.addEventListener('abort', () => aborted.resolve(undefined), { once: true })
  if (isLive(signal)) await aborted.promise
  looking[Symbol.dispose]()
  look()
  await Promise.all([...followed.values()].map(async ({ ended }) => ended))
}

async function follow (address: string, { credentials, server, random, backoff = BACKOFF, phrase = xdsServer, onDisconnect }: FollowServersOptions, hear: Hear, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; isLive(signal); attempt++) {
    try {
      using stack = new DisposableStack()
      const client = stack.adopt(connect(address, credentials.current(), { server }), (client) => client.close())
      await hear({ address, client, signal, onHeard: () => { attempt = 0 } })
    } catch (error) {
      if (isLive(signal)) onDisconnect?.(fromGrpc(error, phrase(address)))
    }
    await wait(backoffMs(attempt, random(), backoff), signal)
  }
}
