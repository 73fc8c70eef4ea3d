import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { writeModel } from '../adapters/onnx/made-model.ts'
import type { Comparison } from '../../src/core/model/comparison.ts'
import { autoshield, Running } from '../program.ts'
import { until } from '../xds/real-envoy.ts'

t.setTimeout(240_000)

const CLASSES = ['BENIGN', 'CUSTOM_ATTACK']
const FREE_PORTS = ['--api-port', '0', '--dashboard-port', '0', '--metrics-port', '0', '--xds', '127.0.0.1:0', '--ingest', '127.0.0.1:0']

t.test('a model is signed, installed, seen in shadow, promoted and taken back while the loop runs', async (t) => {
  const folder = t.testdir()
  const [data, key, pub] = [join(folder, 'data'), join(folder, 'key.pem'), join(folder, 'key.pub')]
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await writeFile(pub, publicKey.export({ type: 'spki', format: 'pem' }))
  const mine = await writeModel(join(folder, 'mine'), { version: 'mine-1', classes: CLASSES, probabilities: [0.25, 0.75] })
  const environment = { MODEL_STORE: join(data, 'models'), MODEL_KEYS: pub }
  const model = async (...args: string[]) => autoshield(['model', ...args], environment)

  const capture = join(import.meta.dirname, '../../deploy/demo/attack.pcap.zst')
  await using up = Running.start(['up', '--no-replay', '--data', data, ...FREE_PORTS], environment)
  const [, api = ''] = await up.saying(/API +(http\S+)\/api\/v1/, 120_000)
  const ask = async (path: string): Promise<unknown> => (await fetch(`${api}/api/v1${path}`)).json()

  t.match((await model('install', mine)).stderr, /is not signed/)
  t.equal((await model('sign', mine, '--key', key)).status, 0)
  t.match((await model('install', mine)).stdout, /mine-1: installed/)
  t.match((await model('shadow', 'mine-1')).stdout, /mine-1 scores in shadow/)
  const replay = await autoshield(['replay', capture, '--data', data, '--speed', 'max'], environment)
  t.equal(replay.status, 0, replay.stderr)
  const compared = await until('a comparison', async () => {
    const { status, stdout } = await model('compare', '-o', 'json')
    const comparison = status === 0 ? JSON.parse(stdout) as Comparison : null
    return comparison !== null && comparison.windows > 0 ? comparison : undefined
  }, 120_000)
  t.match(compared, { candidate: 'mine-1', alarms: { CUSTOM_ATTACK: { current: 0 } } })
  t.equal(compared.alarms['CUSTOM_ATTACK']?.candidate, compared.windows, 'it alarms on everything')

  const asked = await model('promote', 'mine-1')
  t.equal(asked.status, 1, 'nothing is changed without --yes')
  t.match(asked.stderr, /promote mine-1 --yes/)
  const promoted = await model('promote', 'mine-1', '--yes', '--reason', 'it is ours', '--actor', 'ann')
  t.match(promoted.stdout, /CUSTOM_ATTACK alarms[\s\S]*mine-1 scores from now on/, promoted.stderr)
  t.match((await model('list')).stdout, /mine-1 +current +CUSTOM_ATTACK/)
  t.match(await ask('/status'), { models: { current: 'mine-1', by: 'ann', shadow: null } })
  t.match(await ask('/audit?action=model.current'), { items: [{ object: 'model/mine-1', reason: 'ModelTaken', actor: 'model:ann', detail: { why: 'it is ours' } }] })

  // The files of an installed model are changed behind our back: the detector refuses them, whatever was asked.
  await writeModel(join(data, 'models', 'bad-1'), { version: 'bad-1', classes: CLASSES, probabilities: [0.5, 0.5] })
  t.match((await model('promote', 'bad-1', '--yes')).stderr, /bad-1.manifest\.json is not signed/)
  t.match((await model('rollback')).stdout, /start scores again/)
  t.match(await ask('/status'), { models: { sequence: 3, current: /^20/, refused: [] } })
})
