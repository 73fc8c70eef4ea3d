import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { SnapshotBuilder } from '../../xds/snapshot-builder.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const spec = (port: number) => ({ inbound: { mode: 'redirect', port } }) as const
const builder = () => new SnapshotBuilder(() => ({ content: {}, mitigations: [], shortfalls: [] }))

t.test('what asks for the same is built once, and counted', (t) => {
  const one = builder()
  const first = one.build(spec(1), [])
  t.equal(one.build(spec(1), []), first)
  t.not(one.build(spec(2), []), first)
  t.match(one.stats, { built: 2, shared: 1, held: 2, forgotten: 0 })
  t.end()
})

t.test('what no pod has any more is let go, which is counted; what one has stays', async (t) => {
  const one = builder()
  const kept = one.build(spec(0), [])
  for (let port = 1; port < 1000; port++) one.build(spec(port), [])
  await setImmediate() // a reference that was looked at holds until the turn is over
  collectGarbage()
  one.build(spec(1000), [])
  const { built, held, forgotten } = one.stats
  t.equal(built, 1001)
  t.ok(forgotten > 900, `${forgotten} of 999`)
  t.equal(held, built - forgotten)
  t.equal(one.build(spec(0), []), kept)
})
