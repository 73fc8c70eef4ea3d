// Serves one scene to look at while working on the page: `node test/console/preview.ts [quiet|attack|cluster|undone|replayed|simulated|crowd|empty]`.
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { createConsole } from '../../src/console/api/console.ts'
import { inCluster } from './cluster-scene.ts'
import { FakeLoop } from './fake-loop.ts'
import { attack, crowd, quiet, replayed, simulatedScan, undone } from './scenes.ts'

const scenes: Readonly<Record<string, (loop: FakeLoop) => Promise<void>>> = {
  empty: async () => {},
  quiet,
  attack,
  cluster: inCluster,
  undone,
  replayed,
  simulated: async (loop) => {
    await quiet(loop)
    await simulatedScan(loop)
  },
  crowd: async (loop) => crowd(loop, 500),
}

const name = process.argv[2] ?? 'attack'
const scene = scenes[name]
if (scene === undefined) {
  console.error(`There is no scene '${name}'; there are ${Object.keys(scenes).join(', ')}.`)
} else {
  const loop = new FakeLoop()
  await scene(loop)
  const stopping = new AbortController()
  process.once('SIGINT', () => stopping.abort())
  const preview = createConsole({
    loop,
    log: pino({ level: 'warn' }),
    clock: { now: Date.now },
    version: '0.1.0-preview',
    registry: new Registry(),
    pageFolder: new URL('../../src/console/web/dist', import.meta.url).pathname,
  })
  console.log((await preview.listen()).dashboard)
  const last = loop.traffic()
  let packets = 0
  const beat = setInterval(() => {
    if (last === null) return
    packets += 900 + (packets * 7) % 1300
    const stats = { ...last.stats, packets: last.stats.packets + packets, flows: last.stats.flows + packets / 60, windows: last.stats.windows + packets / 30, tensors: last.stats.tensors + packets / 90 }
    loop.emit({ ...last, atMs: Date.now(), stats }).catch(() => stopping.abort())
  }, 1000)
  await preview.run(stopping.signal)
  clearInterval(beat)
}
