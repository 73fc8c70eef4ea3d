import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { autoshield } from '../program.ts'

const SHIPPED = join(import.meta.dirname, '../../models')

t.test('a model can be looked at, signed and verified, and its signature is asked for', async (t) => {
  const folder = t.testdir()
  await cp(join(SHIPPED, 'model.onnx'), join(folder, 'model.onnx'))
  const manifest = JSON.parse(await readFile(join(SHIPPED, 'manifest.json'), 'utf8')) as Record<string, unknown>
  await writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, version: 'mine-1' }))
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const [key, pub] = [join(folder, 'key.pem'), join(folder, 'key.pub')]
  await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await writeFile(pub, publicKey.export({ type: 'spki', format: 'pem' }))

  const shown = await autoshield(['model', 'inspect', folder])
  t.match(shown.stdout, /version +mine-1\n[\s\S]*signature +none\n[\s\S]*PORT_SCAN from 0\.\d+/)
  const unsigned = await autoshield(['model', 'verify', folder])
  t.equal(unsigned.status, 65)
  t.match(unsigned.stderr, /is not signed; .*--allow-unsigned-model/)
  const refused = await autoshield(['detect', 'none.pcap', '--model', folder])
  t.match(refused.stderr, /is not signed/, 'nothing scores with it either')
  const allowed = await autoshield(['model', 'verify', folder], { ALLOW_UNSIGNED_MODEL: 'true' })
  t.match(allowed.stdout, /^mine-1: .*golden vectors agree; not signed, which is allowed/)

  const signed = await autoshield(['model', 'sign', folder, '--key', key])
  t.match(signed.stdout, /mine-1: signed with key [0-9a-f]{16}/, signed.stderr)
  const unknown = await autoshield(['model', 'verify', folder])
  t.match(unknown.stderr, /which is not known \(known: none\)/)
  const verified = await autoshield(['model', 'verify', folder, '--model-keys', pub])
  t.equal(verified.status, 0, verified.stderr)
  t.match(verified.stdout, /signed by a known key/)
  const own = await autoshield(['model', 'verify'])
  t.match(own.stdout, /it came with this program/, own.stderr)
})
