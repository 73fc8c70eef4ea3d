import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { ModelTrust } from '../../../src/adapters/onnx/check-origin.ts'
import { loadModel, readManifest, readModel } from '../../../src/adapters/onnx/load-model.ts'
import type { ModelManifest } from '../../../src/adapters/onnx/manifest.ts'
import { checkSignature, keyIdOf, manifestHash, parsePrivateKey, parsePublicKeys, signManifest } from '../../../src/adapters/onnx/signature.ts'

const SHIPPED = join(import.meta.dirname, '../../../models')
const manifest = (await readManifest(SHIPPED)).manifest
const own = generateKeyPairSync('ed25519')
const foreign = generateKeyPairSync('ed25519')
const pem = (key: KeyObject): string => key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' }).toString()
const keys = parsePublicKeys(pem(own.publicKey), 'key.pub')
const strict: ModelTrust = { keys, unsigned: 'refuse', shipped: null }

/** The shipped model under another manifest. */
async function modelWith (t: Test, changed: ModelManifest): Promise<string> {
  const folder = t.testdir()
  await cp(join(SHIPPED, 'model.onnx'), join(folder, 'model.onnx'))
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(changed))
  return folder
}

t.test('a model that a known key signed is loaded, however its manifest is laid out', async (t) => {
  const folder = await modelWith(t, signManifest(manifest, own.privateKey))
  t.equal((await readModel(folder, { trust: strict })).origin, 'signed')
  const { manifest: read } = await readManifest(folder)
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(Object.fromEntries(Object.entries(read).reverse()), null, 4))
  await using scorer = await loadModel(folder, { trust: strict })
  t.equal(scorer.model.version, manifest.version)
})

t.test('whatever is changed in a signed manifest, its signature is wrong', async (t) => {
  const signed = signManifest(manifest, own.privateKey)
  const names = Object.keys(manifest) as (keyof ModelManifest)[]
  fc.assert(fc.property(fc.constantFrom(...names), fc.jsonValue(), (name, value) => {
    fc.pre(JSON.stringify(value) !== JSON.stringify(manifest[name]))
    return checkSignature({ ...signed, [name]: value }, keys) === 'wrong'
  }))
  const folder = await modelWith(t, { ...signed, thresholds: signed.thresholds.map(() => 1) })
  await t.rejects(loadModel(folder, { trust: strict }), { code: 'UNTRUSTED', message: /manifest\.json was changed after it was signed with key [0-9a-f]{16}; get it anew/ })
  await t.rejects(loadModel(folder, { trust: { ...strict, unsigned: 'allow' } }), { code: 'UNTRUSTED' }, 'that unsigned ones are allowed is no excuse')
})

t.test('a key that nobody gave vouches for nothing', async (t) => {
  const folder = await modelWith(t, signManifest(manifest, foreign.privateKey))
  await t.rejects(loadModel(folder, { trust: { ...strict, unsigned: 'allow' } }), { code: 'UNTRUSTED', message: new RegExp(`signed with key ${keyIdOf(foreign.publicKey)}, which is not known \\(known: ${keyIdOf(own.publicKey)}\\); give .* --model-keys`) })
  const claimed = signManifest(manifest, foreign.privateKey)
  const stolen = { ...claimed, signature: { keyId: keyIdOf(own.publicKey), value: claimed.signature?.value ?? '' } }
  t.equal(checkSignature(stolen, keys), 'wrong', 'nor does another\'s key id')
})

t.test('an unsigned model is loaded only where the operator allows it, and then it is told', async (t) => {
  const folder = await modelWith(t, manifest)
  await t.rejects(loadModel(folder, { trust: strict }), { code: 'UNTRUSTED', message: /is not signed; sign it with `autoshield model sign`, or allow such models with --allow-unsigned-model/ })
  const told: string[] = []
  await using scorer = await loadModel(folder, { trust: { ...strict, unsigned: 'allow' }, warn: (message) => told.push(message) })
  t.equal(scorer.model.version, manifest.version)
  t.match(told.join(), /manifest\.json is not signed/)
})

t.test('the model that came with the program needs no signature, wherever it lies', async (t) => {
  const trust = { ...strict, keys: new Map(), shipped: manifestHash(manifest) }
  t.equal((await readModel(await modelWith(t, manifest), { trust })).origin, 'shipped')
  await t.rejects(loadModel(await modelWith(t, { ...manifest, version: 'other' }), { trust }), { code: 'UNTRUSTED' })
})

t.test('keys that are none are refused with their file and how to make one', async (t) => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  for (const text of ['', 'no key', pem(rsa.publicKey), pem(own.privateKey)]) t.throws(() => parsePublicKeys(text, 'key.pub'), { code: 'BAD_DATA', message: /key\.pub holds .*openssl genpkey/ })
  t.throws(() => parsePrivateKey(pem(rsa.privateKey), 'key.pem'), { code: 'BAD_DATA', message: /key\.pem holds no Ed25519 key/ })
  t.equal(parsePublicKeys(pem(own.publicKey) + pem(foreign.publicKey), 'keys').size, 2)
  t.equal(keyIdOf(parsePrivateKey(pem(own.privateKey), 'key.pem')), keyIdOf(own.publicKey), 'both halves have one id')
})
