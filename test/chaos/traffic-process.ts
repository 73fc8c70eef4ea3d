// What each pod of a chaos run does beside being attacked, in its network: it answers on a port, and tries to reach others without end.
// One argument, JSON: `{ serve, probe, everyMs }`. Each try is a line of JSON out.
import { connect, createServer } from 'node:net'

interface Task {
  readonly serve: number | null
  readonly probe: readonly { readonly victim: string, readonly address: string, readonly port: number }[]
  readonly everyMs: number
}

const SILENT_AFTER_MS = 4_000
const { serve, probe, everyMs } = JSON.parse(process.argv.at(-1) ?? '') as Task

if (serve !== null) createServer((socket) => { socket.on('error', () => socket.destroy()).end('served\n') }).listen(serve)

async function visit (address: string, port: number): Promise<'served' | 'refused' | 'silence'> {
  const { promise, resolve } = Promise.withResolvers<'served' | 'refused' | 'silence'>()
  const socket = connect({ host: address, port })
  socket.on('data', () => resolve('served')).on('error', () => resolve('refused')).on('close', () => resolve('refused')).setTimeout(SILENT_AFTER_MS, () => resolve('silence'))
  return promise.finally(() => socket.destroy())
}

for (const { victim, address, port } of probe) {
  let under = false
  setInterval(() => {
    if (under) return
    under = true
    const fromMs = Date.now()
    visit(address, port).then((got) => {
      under = false
      console.log(JSON.stringify({ victim, fromMs, untilMs: Date.now(), got }))
    }, (error: unknown) => { throw error })
  }, everyMs)
}
