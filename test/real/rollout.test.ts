import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import type { MeshPolicy } from '../../src/core/rollout/mesh-policy.ts'
import { autoshield, Running } from '../program.ts'

t.setTimeout(180_000)

const SHIPPED = fileURLToPath(new URL('../../deploy/policies/mesh-policy.yaml', import.meta.url))
const FREE_PORTS = ['--api-port', '0', '--dashboard-port', '0', '--metrics-port', '0', '--xds', '127.0.0.1:0', '--ingest', '127.0.0.1:0']

async function temporary (t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-rollout-'))
  t.teardown(async () => rm(folder, { recursive: true }))
  return folder
}

/** `up` without a recording, and `autoshield rollout` against it. */
async function startUp (data: string) {
  const up = Running.start(['up', '--no-replay', '--data', data, ...FREE_PORTS])
  const api = (await up.saying(/API +(http:\S+)\/api\/v1/))[1] ?? ''
  return { up, rollout: async (...args: string[]) => autoshield(['rollout', ...args, '--api', api]), [Symbol.asyncDispose]: async () => up[Symbol.asyncDispose]() }
}

t.test('a person makes a mesh policy, steers its rollout and finds it where it was after a kill', async (t) => {
  const data = await temporary(t)
  {
    await using loop = await startUp(data)
    const { up, rollout } = loop
    t.match(await rollout('status'), { status: 0, stdout: /there is no mesh policy: make one/ })
    t.match(await rollout('apply', '-f', SHIPPED), { status: 0, stdout: 'careful: observe\n' })
    t.match(await rollout('pause', 'careful', '--reason', 'a release', '--actor', 'jo'), { status: 0, stdout: 'careful: observe, held by console:jo\n' })
    const watched = await rollout('status', 'careful', '--watch', '-o', 'json')
    t.equal(watched.status, 0, 'what a person holds is no finding; and the watch ends where nothing changes by itself')
    t.match(JSON.parse(watched.stdout.trim().split('\n').at(-1) ?? '') as MeshPolicy, { status: { stage: 'observe', hold: { by: 'console:jo', message: 'By console:jo: a release' } } })
    t.match(await rollout('resume', 'careful', '--reason', 'it is over'), { status: 0, stdout: 'careful: observe\n' })
    t.match(await rollout('promote', 'careful', '--reason', 'known from another cluster'), { status: 0, stdout: 'careful: shadow\n' })
    t.match(await rollout('promote', 'careful', '--reason', 'known from another cluster'), { status: 0, stdout: 'careful: canary 10 %\n' })
    t.match(await rollout('undo', 'careful', '--reason', 'a drill', '--actor', 'jo'), { status: 0, stdout: 'careful: shadow, held by console:jo\n' })
    t.match((await rollout('status')).stdout, /^NAME +STAGE +TARGET .*\ncareful +shadow +enforce .*By console:jo: a drill/)
    const paused = join(data, 'paused.yaml')
    await writeFile(paused, (await readFile(SHIPPED, 'utf8')).replace(/^spec:\n/m, 'spec:\n  paused: true\n').replace('name: careful', 'name: shop.paused'))
    t.match(await rollout('apply', '-f', paused), { status: 0, stdout: 'shop.paused: observe\n' })
    t.match(await rollout('status', 'shop.paused', '--watch'), { status: 0, stdout: /The policy itself says paused/ }, 'a watch ends where the spec pauses')
    t.match(await rollout('delete', 'shop.paused', '--reason', 'a drill', '--actor', 'jo'), { status: 0, stdout: 'shop.paused: deleted, it was at observe\n' })
    t.match(await rollout('status', 'shop.paused'), { status: 65, stderr: /no mesh policy/ })
    up.kill('SIGKILL')
    await up.ended
  }
  await using loop = await startUp(data)
  const shown = parse((await loop.rollout('status', 'careful', '-o', 'yaml')).stdout) as MeshPolicy
  t.match(shown, { status: { stage: 'shadow', share: 0, hold: { by: 'console:jo' }, history: [{ actor: 'console:jo', from: 'canary 10 %', to: 'shadow' }, {}, {}, { reason: 'Resumed' }] } })
  await loop.up[Symbol.asyncDispose]()
  const trail = await autoshield(['audit', 'search', '--object', 'meshpolicy/careful', '--data', data, '-o', 'json'])
  t.strictSame(trail.stdout.trim().split('\n').map((line) => (JSON.parse(line) as { action: string }).action).toReversed(), ['rollout.asked', 'rollout.pause', 'rollout.resume', 'rollout.promote', 'rollout.promote', 'rollout.undo'])
  t.equal((await autoshield(['audit', 'verify', '--data', data])).status, 0)
})

t.test('what cannot be done is said with its mend, and its exit status', async (t) => {
  const folder = await temporary(t)
  await using loop = await startUp(join(folder, 'data'))
  const { rollout } = loop
  const written = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }
  t.match(await rollout('pause', 'nobody', '--reason', 'x'), { status: 65, stderr: /no mesh policy "nobody"/ })
  t.match(await rollout('apply', '-f', join(folder, 'none.yaml')), { status: 65, stderr: /none\.yaml: there is no such file\. Name a file with a MeshPolicy/ })
  t.match(await rollout('apply', '-f', await written('broken.yaml', 'a: [')), { status: 65, stderr: /it is no YAML/ })
  t.match(await rollout('apply', '-f', await written('other.yaml', 'kind: Pod')), { status: 65, stderr: /it is no MeshPolicy/ })
  const bad = 'apiVersion: autoshield.dev/v1alpha1\nkind: MeshPolicy\nmetadata: { name: bad }\nspec: { restrictions: [{ name: a, class: PORT_SCAN, action: limit }] }\n'
  t.match(await rollout('apply', '-f', await written('bad.yaml', bad)), { status: 65, stderr: /spec\.restrictions\.0\.limit: the action limit needs one/ })
  t.match(await rollout('apply', '-f', SHIPPED), { status: 0 })
  t.match(await rollout('resume', 'careful', '--reason', 'x'), { status: 1, stderr: /not held: there is nothing to resume/ })
  t.match(await rollout('resume', 'careful'), { status: 64, stderr: /--reason/ })
  t.match(await autoshield(['rollout', 'status', '--api', 'http://127.0.0.1:9']), { status: 1, stderr: /no AutoShield answers/ })
})
