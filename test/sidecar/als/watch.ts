import { AccessLog } from '../../../sidecar/als/access-log.ts'

/** `watch.ts ADDRESS SOCKET`: the access log's windows and counts as lines, until SIGTERM. */
const [address = '', socket = ''] = process.argv.slice(2)
const ending = new AbortController()
process.once('SIGTERM', () => ending.abort())
const log = new AccessLog({
  socket,
  ownAddresses: [address],
  uplink: { restricted: (counts) => process.stdout.write(`${JSON.stringify({ counts })}\n`), droppedRestrictions: 0 },
  onRefused: ({ message }) => process.stderr.write(`${message}\n`),
})
const source = log.source({ clock: { now: Date.now } })
const serving = log.run(ending.signal)
await source.run(ending.signal, {
  watching: () => process.stderr.write('watching\n'),
  take: (windows) => {
    for (const { key, stepMs, features } of windows) if (stepMs === 500) process.stdout.write(`${JSON.stringify({ key, stepMs, features: [...features] })}\n`)
  },
})
await serving
