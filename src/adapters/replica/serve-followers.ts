import { createReadStream, existsSync } from 'node:fs'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { backup } from 'node:sqlite'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { Server, status, type ServerDuplexStream } from '@grpc/grpc-js'
import { AutoshieldError } from '../../core/errors.ts'
import { identityOfPeer, spiffeId, type Identity } from '../../core/identity.ts'
import type { CredentialSource } from '../../ports/identity.ts'
import { FollowResponseSchema, Replica, type FollowRequest, type FollowResponse } from '../../wire/gen/replica_pb.ts'
import { serverMethod, type Malformed } from '../../wire/method.ts'
import { serverTls } from '../../wire/tls.ts'
import type { ChangeLog, Shared } from '../store/change-log.ts'

export interface ServeFollowersOptions {
  readonly log: ChangeLog
  readonly listen: string
  readonly credentials: CredentialSource
  /** Who may follow. */
  readonly follower: Identity
  readonly onListening?: (port: number) => void
  /** A follower came, or went and why. */
  readonly onFollower?: (replica: string, ended: AutoshieldError | null) => void
}

type Call = ServerDuplexStream<FollowRequest | Malformed, FollowResponse>

/** Acknowledgements are small. */
const SERVER_OPTIONS = { 'grpc.max_receive_message_length': 4_096, 'grpc.keepalive_time_ms': 5_000, 'grpc.keepalive_timeout_ms': 3_000 } as const
const CHANGES_AT_ONCE = 64
const CHUNK_BYTES = 1 << 20

/** Hands all that this leader keeps to those that follow, until the signal aborts. Rejects UNAVAILABLE where the address cannot be bound. */
export async function serveFollowers (options: ServeFollowersOptions, signal: AbortSignal): Promise<void> {
  const server = new Server(SERVER_OPTIONS)
  server.addService({ follow: serverMethod(Replica.method.follow) }, {
    follow: (call: Call) => { serve(call, options).catch(() => undefined) }, // it tells the follower
  })
  const { listen, credentials, onListening } = options
  const bound = Promise.withResolvers<number>()
  server.bindAsync(listen, serverTls(credentials), (error, port) => {
    if (error === null) bound.resolve(port)
    else bound.reject(new AutoshieldError('UNAVAILABLE', `The controller cannot listen for those that follow it on ${listen} (${error.message}); choose another address with --replica-listen.`, { cause: error }))
  })
  try {
    onListening?.(await bound.promise)
    const aborted = Promise.withResolvers<undefined>()
    signal.addEventListener('abort', () => aborted.resolve(undefined), { once: true })
    if (!signal.aborted) await aborted.promise
  } finally {
    server.forceShutdown()
  }
}

async function serve (call: Call, { log, follower, onFollower }: ServeFollowersOptions): Promise<void> {
  const refuse = (code: status, details: string): void => { call.emit('error', { code, details }) }
  const peer = identityOfPeer({ subjectaltname: call.getAuthContext().sslPeerCertificate?.subjectaltname })
  if (peer === null || spiffeId(peer) !== spiffeId(follower)) {
    refuse(status.PERMISSION_DENIED, 'only a controller may follow a controller')
    return
  }
  const requests = call[Symbol.asyncIterator]() as AsyncIterator<FollowRequest | Malformed>
  let replica = ''
  try {
    const first = await requests.next()
    const hello = first.done !== true && first.value.$typeName !== 'malformed' && first.value.message.case === 'hello' ? first.value.message.value : null
    if (hello === null || hello.replica === '') {
      refuse(status.INVALID_ARGUMENT, 'the first message must say who follows')
      return
    }
    replica = hello.replica
    await follow(call, requests, replica, log, onFollower)
    onFollower?.(replica, null)
  } catch (error) {
    const failure = AutoshieldError.from(error)
    if (replica !== '') onFollower?.(replica, failure)
    refuse(status.ABORTED, failure.message)
  }
}

/** A copy, then changes; ends when the follower does, or falls too far behind. */
async function follow (call: Call, requests: AsyncIterator<FollowRequest | Malformed>, replica: string, log: ChangeLog, onFollower: ServeFollowersOptions['onFollower']): Promise<void> {
  const news = new Bell()
  const ended = new AbortController()
  using following = log.follow(replica, () => news.ring())
  const reading = (async () => {
    for (let next = await requests.next(); next.done !== true; next = await requests.next()) {
      if (next.value.$typeName !== 'malformed' && next.value.message.case === 'kept') following.kept(Number(next.value.message.value))
    }
  })().catch(() => undefined).finally(() => { // how it ended is of no matter: it follows no more
    ended.abort()
    news.ring()
  })
  const from = log.position
  for (const shared of log.databases) await sendCopy(call, shared)
  await send(call, { message: { case: 'copied', value: { position: BigInt(from) } } })
  onFollower?.(replica, null)
  for (let position = from; !ended.signal.aborted && !following.gone;) {
    const changes = log.after(position, CHANGES_AT_ONCE)
    if (changes === null) throw new AutoshieldError('UNAVAILABLE', `${replica} reads more slowly than is written here: it begins with a new copy.`)
    for (const change of changes) {
      await send(call, { message: { case: 'change', value: { ...change, position: BigInt(change.position) } } })
      position = change.position
    }
    if (changes.length === 0) await news.rung()
  }
  call.end()
  await reading
}

/** Its further files first, so that they are not newer than the database. */
async function sendCopy (call: Call, { name, dir, sqlite, files }: Shared): Promise<void> {
  const folder = await mkdtemp(join(dir, 'copy-'))
  try {
    for (const file of files.filter((file) => existsSync(join(dir, file)))) {
      await copyFile(join(dir, file), join(folder, file))
      await sendFile(call, join(folder, file), file)
    }
    const database = `${name}.db`
    await backup(sqlite, join(folder, database))
    await sendFile(call, join(folder, database), database)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function sendFile (call: Call, path: string, name: string): Promise<void> {
  await send(call, { message: { case: 'file', value: { name } } })
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) await send(call, { message: { case: 'chunk', value: chunk as Buffer } })
}

/** Waits while the follower does not read. Rejects where it is gone. */
async function send (call: Call, message: MessageInitShape<typeof FollowResponseSchema>): Promise<void> {
  if (call.cancelled || call.destroyed) throw new AutoshieldError('UNAVAILABLE', 'the follower is gone')
  if (call.write(create(FollowResponseSchema, message))) return
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const events = ['drain', 'cancelled', 'close', 'error'] as const
  const done = (): void => resolve(undefined)
  for (const event of events) call.once(event, done)
  await promise
  for (const event of events) call.off(event, done)
}

/** Rung any number of times, heard once by whoever listens next. */
class Bell {
  #rings = Promise.withResolvers<undefined>()

  ring (): void {
    this.#rings.resolve(undefined)
  }

  async rung (): Promise<void> {
    await this.#rings.promise
    this.#rings = Promise.withResolvers<undefined>()
  }
}
