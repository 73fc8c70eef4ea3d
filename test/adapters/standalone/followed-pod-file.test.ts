import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FollowedPodFile } from '../../../src/adapters/standalone/followed-pod-file.ts'
import { Bench } from '../../controller/bench.ts'
import { FakeBeats } from '../../controller/fakes.ts'
import { ATTACKER, madeScore, T0 } from '../../core/verdict/made-score.ts'

const WEB = { '10.0.0.7': { namespace: 'shop', name: 'web-7', uid: 'u7' } }
const db = (uid: string) => ({ namespace: 'shop', name: `db-${uid}`, uid, workload: 'StatefulSet/db' })

/** The directory of a file that the test writes; each beat is one more look at it. */
function followed (t: Test, text: object) {
  const path = join(t.testdir({ 'pods.json': JSON.stringify(text) }), 'pods.json')
  const beats = new FakeBeats()
  const troubles: string[] = []
  const clock = { now: () => T0 + 5_000 }
  const pods = new FollowedPodFile(path, { clock, onTrouble: ({ message }) => troubles.push(message) })
  const stop = new AbortController()
  const running = pods.run(beats.every, stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  const write = async (text: string | object): Promise<void> => {
    writeFileSync(path, typeof text === 'string' ? text : JSON.stringify(text))
    await beats.beat()
  }
  return { path, pods, beats, troubles, write }
}

t.test('what a changed file lacks is gone, and what is new in it was made when it was seen', async (t) => {
  const { pods, write } = followed(t, { ...WEB, '10.0.0.9': db('u9') })
  t.equal(pods.byUid('u9')?.createdMs, undefined, 'it was there before anybody looked')
  let changes = 0
  const listening = pods.onChange(() => { changes++ })
  t.teardown(() => listening[Symbol.dispose]())
  await write({ ...WEB, '10.0.0.10': db('u10') })
  t.strictSame(pods.list().map(({ uid, workload, createdMs }) => [uid, workload, createdMs]), [['u7', undefined, undefined], ['u10', 'StatefulSet/db', T0 + 5_000]])
  t.equal(pods.byAddress('10.0.0.9'), null)
  await write({ ...WEB, '10.0.0.10': db('u10') })
  t.equal(changes, 1, 'the same file is no news')
})

t.test('a file that cannot be used changes nothing and is told of once, until it is mended', async (t) => {
  const { path, pods, beats, troubles, write } = followed(t, WEB)
  await write('{"10.0.0.7": {"namespace"')
  await beats.beat()
  t.equal(troubles.length, 1)
  t.match(troubles[0], /pods\.json:1:\d+/)
  rmSync(path)
  await beats.beat()
  t.equal(troubles.length, 2)
  t.equal(pods.byUid('u7')?.name, 'web-7')
  await write({})
  t.strictSame(pods.list(), [])
})

t.test('a mitigation of the standalone loop follows the file', async (t) => {
  const { pods, write } = followed(t, { ...WEB, '10.0.0.9': db('u9') })
  await using bench = await Bench.start(t.testdir(), { wrap: () => ({ pods }) })
  await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500, reporter: ATTACKER }))
  const victims = () => bench.fleet.applied.at(-1)?.flatMap(({ spec }) => spec.victims.map(({ uid }) => uid))
  t.strictSame(victims(), ['u9'])
  await write({ ...WEB, '10.0.0.10': db('u10') })
  await bench.until(() => victims()?.join() === 'u10')
  await write({ '10.0.0.7': { namespace: 'shop', name: 'web-8', uid: 'u8' }, '10.0.0.10': db('u10') })
  await bench.until(() => bench.store.mitigations.list()[0]?.status.phase === 'expired')
  t.strictSame(bench.fleet.inForce, [])
  t.match(bench.store.mitigations.list(), [{ status: { conditions: [{}, { reason: 'SubjectGone' }, {}, {}] } }])
})
