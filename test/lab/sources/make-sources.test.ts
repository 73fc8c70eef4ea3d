import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SOURCE_FOLDERS } from '../../../models/evaluation/source-folders.ts'
import { readAccounts } from '../../../models/training/window-recording.ts'
import { keyId } from '../../../src/core/window/window.ts'
import { skipWithout } from '../../setup/tools.ts'
import { ATTACK_TOOLS } from '../attacks/catalogue.ts'
import { missingForLab } from '../lab.ts'
import type { RunLabels } from '../labels.ts'
import { EXTRA_SERVERS, SERVERS } from '../servers/servers.ts'
import { makeSources } from './make-sources.ts'

const servers = [...Object.values(SERVERS), ...Object.values(EXTRA_SERVERS)]
const skip = skipWithout(missingForLab([...ATTACK_TOOLS, ...servers.flatMap((server) => [...server.tools])]))
t.setTimeout(900_000)

/** Of scenario `behind-proxies` at this length: a shell in one pod connects to many ports of another. */
const SEED = 23

t.test('one attack is in the windows of all three sources, each as its pods\' observers tell it', { skip }, async (t) => {
  const folder = t.testdir()
  // Nothing is compared here, so a busy machine does not matter.
  const options = { folder, runs: 1, seconds: 14, loads: 1, paced: false, seed: SEED, signal: new AbortController().signal, say: (line: string) => { t.comment(line) } }
  t.equal(await makeSources(options), 0)
  const run = `behind-proxies-${SEED}`
  const texts = SOURCE_FOLDERS.map((source) => readFileSync(join(folder, source, `${run}.labels.json`), 'utf8'))
  t.equal(new Set(texts).size, 1, 'one run, one set of labels')
  const labels = JSON.parse(texts[0] ?? '') as RunLabels
  const [attack] = labels.attacks
  t.match(attack, { class: 'PORT_SCAN', sentAs: 'connections' })
  const [leg] = attack?.legs ?? []
  const pair = `${leg?.source}>${leg?.destination}`
  const observed = labels.pods.filter(({ name, addresses }) => labels.settings.proxied.includes(name) && (addresses.includes(leg?.source ?? '') || addresses.includes(leg?.destination ?? '')))
  t.ok(observed.length > 0)
  for (const source of SOURCE_FOLDERS) {
    const accounts = await readAccounts(join(folder, source, `${run}.windows.zst`), 0)
    t.same(accounts.map(({ observer }) => observer).sort(), [...labels.settings.proxied].sort(), `${source}: an account of each pod that is observed`)
    const told = accounts.filter(({ windows }) => windows.some(({ key }) => keyId(key) === pair)).map(({ observer }) => observer)
    t.ok(told.length > 0, `${source}: ${pair} is told by ${told.join() || 'nobody'}`)
    t.ok(told.every((name) => observed.some((pod) => pod.name === name)), `${source}: by an end of it alone`)
    const steps = new Set(accounts.flatMap(({ windows }) => windows.map(({ stepMs }) => stepMs)))
    t.same([...steps].sort((one, other) => one - other), [500, 15_000, 60_000], `${source}: the minute is over`)
  }
})

t.test('what is there is not made again', async (t) => {
  const folder = t.testdir(Object.fromEntries(SOURCE_FOLDERS.map((source) => [source, { 'behind-proxies-1.labels.json': '{}' }])))
  const said: string[] = []
  t.equal(await makeSources({ folder, runs: 1, seconds: 14, seed: 1, signal: new AbortController().signal, say: (line) => said.push(line) }), 0)
  t.same(said, [])
  t.equal(await makeSources({ folder, runs: 3, seconds: 14, seed: 1, signal: AbortSignal.abort(), say: (line) => said.push(line) }), 2, 'one that is told to end makes no more runs')
})
