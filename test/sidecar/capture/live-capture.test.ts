import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { openLive } from '../../../sidecar/capture/live-capture.ts'

const mayCapture = spawnSync('tcpdump', ['--version']).error === undefined && process.getuid?.() === 0
const skip = mayCapture ? false : 'capturing on the loopback interface needs tcpdump and root'

t.test('packets come as they are seen, until the signal ends the capture', { skip }, async (t) => {
  const receiver = createSocket('udp4').bind(0, '127.0.0.1')
  await once(receiver, 'listening')
  const { port } = receiver.address()
  const ending = new AbortController()
  const capture = openLive({ interfaceName: 'lo', filter: `udp port ${port}`, signal: ending.signal })
  const lengths: number[] = []
  const reading = (async () => {
    for await (const { count, original, timesMs, linkTypes } of capture) {
      for (let at = 0; at < count; at++) {
        lengths.push(original[at] ?? 0)
        t.ok(Math.abs((timesMs[at] ?? 0) - Date.now()) < 60_000, 'its time is the clock\'s')
        t.equal(linkTypes[at], 1)
      }
      if (lengths.length >= 3) ending.abort()
    }
  })()
  await capture.ready
  const sender = createSocket('udp4')
  for (const length of [10, 500, 1_400]) sender.send(new Uint8Array(length), port, '127.0.0.1')
  await reading
  sender.close()
  receiver.close()
  t.strictSame(lengths, [42 + 10, 42 + 500, 42 + 1_400], 'with their lengths on the wire, whatever was captured')
  t.match(capture.stats, { packets: 3, dropped: 0, cut: null })
})

t.test('what hinders the capture is said with its mend', async (t) => {
  const { signal } = new AbortController()
  const first = async (options: Parameters<typeof openLive>[0]): Promise<unknown> => openLive(options)[Symbol.asyncIterator]().next()
  await t.rejects(first({ interfaceName: 'lo', signal, program: 'tcpdump-that-is-not-there' }), { code: 'UNAVAILABLE', message: /is not installed, and the packet source needs it; install/ })
  if (skip !== false) return
  await t.rejects(first({ interfaceName: 'no-such-if', signal }), { code: 'UNAVAILABLE', message: /cannot capture on no-such-if .*check the name of the interface/ })
  await t.rejects(first({ interfaceName: 'lo', filter: 'not a filter (', signal }), { code: 'UNAVAILABLE', message: /check the name of the interface and the filter/ })
  const capture = openLive({ interfaceName: 'no-such-if', signal })
  t.rejects(capture.ready, { code: 'UNAVAILABLE' })
  await t.rejects(capture[Symbol.asyncIterator]().next(), { code: 'UNAVAILABLE' })
})

t.test('a capture whose signal is aborted already ends at once', { skip }, async (t) => {
  const capture = openLive({ interfaceName: 'lo', signal: AbortSignal.abort() })
  t.match(await capture[Symbol.asyncIterator]().next(), { done: true })
})
