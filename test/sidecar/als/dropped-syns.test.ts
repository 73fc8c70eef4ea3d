import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { create } from '@bufbuild/protobuf'
import { Client, credentials } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { AccessLog } from '../../../sidecar/als/access-log.ts'
import { DroppedSynsSchema, Keeper } from '../../../src/wire/gen/keeper_pb.ts'
import { methodOf } from '../../../src/wire/method.ts'
import type { OwnRestrictionCount } from '../../../src/wire/restriction-counts.ts'
import { until } from '../../xds/real-envoy.ts'

const OWN = '10.0.0.3'
const AT = 1_700_000_000_000

/** The observer's side of the socket, and keepers that call it. */
async function stage (t: Test) {
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-drops-'))
  const socket = join(folder, 'als.sock')
  const counts: OwnRestrictionCount[] = []
  const stop = new AbortController()
  const log = new AccessLog({ socket, ownAddresses: [OWN], uplink: { restricted: (more) => { counts.push(...more) }, droppedRestrictions: 0 } })
  const running = log.run(stop.signal)
  const clients: Client[] = []
  t.teardown(async () => {
    for (const client of clients) client.close()
    stop.abort()
    await running
    await rm(folder, { recursive: true })
  })
  return {
    log,
    counts,
    counted: (wanted: number) => until(`${wanted} are counted`, () => counts.reduce((sum, { limited }) => sum + limited, 0) === wanted || undefined),
    keeper: async () => {
      const client = new Client(`unix:${socket}`, credentials.createInsecure())
      clients.push(client)
      await promisify((done: (error?: Error) => void) => client.waitForReady(Date.now() + 10_000, done))()
      const { path, requestSerialize, responseDeserialize } = methodOf(Keeper.method.tell)
      const over = Promise.withResolvers<string>()
      const call = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, (error) => over.resolve(error?.details ?? 'ended'))
      call.on('error', () => undefined)
      return {
        over: over.promise,
        call,
        tell: (sinceMs: number, totals: readonly (readonly [number | null, number])[]) =>
          call.write(create(DroppedSynsSchema, { sinceMs: BigInt(sinceMs), totals: totals.map(([port, packets]) => ({ ...port === null ? {} : { port }, packets: BigInt(packets) })) })),
      }
    },
  }
}

t.test('what the kernel dropped is counted from a stream\'s first word on, in the step in which it began', async (t) => {
  const { counts, counted, keeper } = await stage(t)
  const { tell } = await keeper()
  tell(AT, [[80, 100]])
  tell(AT + 700, [[80, 140], [null, 2]])
  await counted(42)
  const count = { source: null, destination: OWN, unit: 'connections', atMs: AT + 500, denied: 0, passed: 0, shadowed: 0 }
  t.strictSame(counts, [{ ...count, port: 80, attempts: 40, limited: 40 }, { ...count, port: null, attempts: 2, limited: 2 }])
})

t.test('a keeper that comes again takes over, and nothing counts twice', async (t) => {
  const { counted, keeper } = await stage(t)
  const first = await keeper()
  first.tell(AT, [])
  first.tell(AT, [[80, 10]])
  await counted(10)
  const second = await keeper()
  second.tell(AT, [[80, 10]])
  t.match(await first.over, /a newer stream of the keeper took over/)
  second.tell(AT, [[80, 15]])
  await counted(15)
  second.tell(AT, [[80, 4]]) // it began anew
  second.tell(AT, [[80, 6]])
  await counted(17)
})

t.test('what makes no sense is not counted, but as such', async (t) => {
  const { log, counted, keeper } = await stage(t)
  const { tell, call } = await keeper()
  tell(AT, [])
  tell(AT, [[70_000, 5]])
  tell(AT, [[80, 1]])
  await counted(1)
  t.equal(log.state.malformedEntries, 1)
  call.end()
})
