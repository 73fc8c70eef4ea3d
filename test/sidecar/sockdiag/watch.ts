import { openLive } from '../../../sidecar/capture/live-capture.ts'
import { PacketSource } from '../../../sidecar/packet-source.ts'
import { SockdiagSource } from '../../../sidecar/sockdiag/sockdiag-source.ts'

/** `watch.ts packet|sockdiag ADDRESS`: one source in the network namespace it is started in; its windows as lines, until SIGTERM. */
const [kind, address = ''] = process.argv.slice(2)
const clock = { now: Date.now }
const source = kind === 'packet'
  ? new PacketSource({ open: async (signal) => openLive({ interfaceName: 'eth0', signal }), ownAddresses: [address], clock, seed: 3 })
  : new SockdiagSource({ ownAddresses: [address], clock })
const ending = new AbortController()
process.once('SIGTERM', () => ending.abort())
await source.run(ending.signal, {
  watching: () => process.stderr.write('watching\n'),
  take: (windows) => {
    for (const { key, stepMs, features } of windows) if (stepMs === 500 && (key.kind !== 'pair' || key.source.startsWith('10.9.0.'))) process.stdout.write(`${JSON.stringify({ key, stepMs, features: [...features] })}\n`)
  },
})
