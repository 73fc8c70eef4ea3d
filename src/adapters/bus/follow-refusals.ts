import { create } from '@bufbuild/protobuf'
import type { ClientDuplexStream } from '@grpc/grpc-js'
import { AutoshieldError } from '../../core/errors.ts'
import type { NumberedRefusal } from '../../ports/proxies.ts'
import { Proxies, RefusalsTakenSchema, type Refusal, type RefusalBatch, type RefusalsTaken } from '../../wire/gen/proxies_pb.ts'
import { methodOf } from '../../wire/method.ts'
import { followServers, xdsServer, type FollowServersOptions, type Line } from './follow-servers.ts'

export interface FollowRefusalsOptions extends FollowServersOptions {
  /**
   * Resolves when they are kept for good; what was taken before may come again, of the same instance with the same numbers. Rejects
   * where they cannot be kept: then they come again.
   */
  readonly take: (instance: string, refusals: readonly NumberedRefusal[]) => Promise<void>
}

/** Takes over what every xDS server refuses, until the signal aborts. */
export async function followRefusals (options: FollowRefusalsOptions, signal: AbortSignal): Promise<void> {
  const { take } = options
  const { path, requestSerialize, responseDeserialize } = methodOf(Proxies.method.refusals)
  await followServers(options, async ({ address, client, signal, onHeard }: Line) => {
    const call: ClientDuplexStream<RefusalsTaken, RefusalBatch> = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
    const cancel = (): void => call.cancel()
    signal.addEventListener('abort', cancel)
    try {
      for await (const { instance, refusals } of call as AsyncIterable<RefusalBatch>) {
        await take(instance, refusals.map(decode))
        onHeard()
        call.write(create(RefusalsTakenSchema, { sequence: refusals.at(-1)?.sequence ?? 0n }))
      }
      throw new AutoshieldError('UNAVAILABLE', `${xdsServer(address)} ended the stream of refusals`)
    } finally {
      signal.removeEventListener('abort', cancel)
      call.cancel()
    }
  }, signal)
}

const decode = ({ sequence, atMs, reason, details, peer, identity, count }: Refusal): NumberedRefusal =>
  ({ sequence: Number(sequence), atMs: Number(atMs), reason, details, peer, identity: identity === '' ? null : identity, count })
