import { create } from '@bufbuild/protobuf'
import type { ClientDuplexStream } from '@grpc/grpc-js'
import { FollowRequestSchema, FollowerHelloSchema, Replica, type FollowRequest, type FollowResponse } from '../../wire/gen/replica_pb.ts'
import { methodOf } from '../../wire/method.ts'
import { followServers, type FollowServersOptions, type Hear } from '../bus/follow-servers.ts'
import type { DataCopy } from './data-copy.ts'

export interface FollowLeaderOptions extends FollowServersOptions {
  /** Of this one. */
  readonly replica: string
  readonly copy: DataCopy
  /** A copy begins; until it is complete, what was there before is what there is. */
  readonly onCopying?: () => void
  /** The copy is complete, and from now on changes follow. */
  readonly onCopied?: () => void
}

const FOLLOW = methodOf(Replica.method.follow)

/** Keeps the copy as the leader is, until the signal aborts. */
export async function followLeader (options: FollowLeaderOptions, signal: AbortSignal): Promise<void> {
  const { replica, copy, onCopying, onCopied } = options
  const hear: Hear = async ({ client, signal: ended, onHeard }) => {
    const call: ClientDuplexStream<FollowRequest, FollowResponse> = client.makeBidiStreamRequest(FOLLOW.path, FOLLOW.requestSerialize, FOLLOW.responseDeserialize)
    const cancel = (): void => call.cancel()
    ended.addEventListener('abort', cancel, { once: true })
    try {
      onCopying?.()
      call.write(create(FollowRequestSchema, { message: { case: 'hello', value: create(FollowerHelloSchema, { replica }) } }))
      for await (const { message } of call as AsyncIterable<FollowResponse>) {
        onHeard()
        switch (message.case) {
          case 'file': copy.begin(message.value.name); break
          case 'chunk': copy.write(message.value); break
          case 'copied':
            copy.complete()
            call.write(kept(message.value.position))
            onCopied?.()
            break
          case 'change':
            copy.apply(message.value.database, message.value.changeset)
            call.write(kept(message.value.position))
            break
          case undefined: break // of a later version
        }
      }
    } catch (error) {
      if (!ended.aborted) throw error
    } finally {
      ended.removeEventListener('abort', cancel)
      call.cancel()
    }
  }
  await followServers(options, hear, signal)
}

const kept = (position: bigint): FollowRequest => create(FollowRequestSchema, { message: { case: 'kept', value: position } })
