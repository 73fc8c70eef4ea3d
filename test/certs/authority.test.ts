import { execFile } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { openAuthority } from '../../certs/authority-folder.ts'
import { AUTHORITY_LIFE_MS, AUTHORITY_OVERLAP_MS, LEAF_LIFE_MS } from '../../certs/authority.ts'

const identity = { trustDomain: 'autoshield.test', namespace: 'shop', uid: 'pod-1' }
const clock = { now: Date.now }

async function folder (t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'autoshield-ca-'))
  t.teardown(() => rm(path, { recursive: true }))
  return path
}

async function openssl (...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('openssl', args)
  return stdout
}

t.test('openssl accepts a leaf by the rules of RFC 5280, for server and client alike', async (t) => {
  const path = await folder(t)
  const authority = await openAuthority(path, 'autoshield.test', clock)
  const leaf = authority.issueWithKey({ identity, dns: ['localhost'], ip: ['127.0.0.1', '::1', '2001:db8::5:0:7'] }, Date.now())
  await writeFile(join(path, 'bundle'), leaf.authorities)
  await writeFile(join(path, 'leaf'), leaf.certificate)
  for (const purpose of ['sslserver', 'sslclient']) {
    const said = await openssl('verify', '-x509_strict', '-purpose', purpose, '-CAfile', join(path, 'bundle'), join(path, 'leaf'))
    t.match(said, /: OK/, purpose)
  }
  await t.resolves(openssl('verify', '-x509_strict', '-verify_ip', '2001:db8::5:0:7', '-CAfile', join(path, 'bundle'), join(path, 'leaf')), 'names its IPv6 address')
  await t.rejects(openssl('verify', '-verify_hostname', 'elsewhere', '-CAfile', join(path, 'bundle'), join(path, 'leaf')), 'and no other host')
})

t.test('a leaf names its pod, lives a day, signs nothing, and holds the key that was asked for', async (t) => {
  const authority = await openAuthority(await folder(t), 'autoshield.test', clock)
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const nowMs = Date.now()
  const leaf = new X509Certificate(authority.issue({ identity }, publicKey, nowMs))
  t.equal(leaf.subjectAltName, 'URI:spiffe://autoshield.test/ns/shop/pod/pod-1')
  t.equal(leaf.ca, false)
  t.ok(leaf.publicKey.equals(publicKey))
  t.ok(leaf.verify(new X509Certificate(authority.bundle).publicKey))
  t.ok(Date.parse(leaf.validTo) <= nowMs + LEAF_LIFE_MS && Date.parse(leaf.validTo) > nowMs + LEAF_LIFE_MS - 2_000)
  const own = authority.issueWithKey({ identity }, nowMs)
  t.ok(createPublicKey(createPrivateKey(own.key)).equals(new X509Certificate(own.certificate).publicKey))
  t.not(new X509Certificate(own.certificate).serialNumber, leaf.serialNumber, 'no two certificates share a serial number')
})

t.test('an address that is none is refused by name', async (t) => {
  const authority = await openAuthority(await folder(t), 'autoshield.test', clock)
  t.throws(() => authority.issueWithKey({ identity, ip: ['localhost'] }, Date.now()), { code: 'USAGE', message: /'localhost' is no IP address/ })
})

t.test('the CA outlives its process: the folder gives the same one, private and whole', async (t) => {
  const path = join(await folder(t), 'data')
  const first = await openAuthority(path, 'autoshield.test', clock)
  const again = await openAuthority(path, 'autoshield.test', clock)
  t.equal(again.bundle, first.bundle)
  t.equal((await stat(join(path, 'ca.pem'))).mode & 0o777, 0o600)
  t.same(await readdir(path), ['ca.pem'], 'nothing is left over')
})

t.test('a CA that nears its end gets a successor, and both are trusted until it has ended', async (t) => {
  const path = await folder(t)
  const startMs = Date.now()
  const first = await openAuthority(path, 'autoshield.test', clock)
  const later = await openAuthority(path, 'autoshield.test', { now: () => startMs + AUTHORITY_LIFE_MS - AUTHORITY_OVERLAP_MS + 1_000 })
  t.not(later.bundle, first.bundle)
  t.ok(later.bundle.endsWith(first.bundle), 'the older CA stays in the bundle')
  const nowMs = startMs + AUTHORITY_LIFE_MS - AUTHORITY_OVERLAP_MS
  const leaf = new X509Certificate(later.issue({ identity }, generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, nowMs))
  t.ok(leaf.checkIssued(new X509Certificate(later.bundle)), 'the newest signs')
  const afterwards = await openAuthority(path, 'autoshield.test', { now: () => startMs + AUTHORITY_LIFE_MS + 1_000 })
  t.equal(afterwards.bundle.match(/BEGIN CERTIFICATE/g)?.length, 1, 'and one that has ended is trusted no more')
})

t.test('a CA file that is damaged, mismatched or readable by others is refused with what to do', async (t) => {
  const path = await folder(t)
  await openAuthority(path, 'autoshield.test', clock)
  const file = join(path, 'ca.pem')
  const good = await readFile(file, 'utf8')
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  for (const [what, text] of [
    ['empty', ''],
    ['cut', good.slice(0, good.length / 2)],
    ['without a certificate', good.slice(0, good.indexOf('-----BEGIN CERTIFICATE'))],
    ['another key', other + good.slice(good.indexOf('-----BEGIN CERTIFICATE'))],
  ] as const) {
    await writeFile(file, text)
    await t.rejects(openAuthority(path, 'autoshield.test', clock), { code: 'BAD_DATA', message: /put back a good copy/ }, what)
  }
  await writeFile(file, good)
  await chmod(file, 0o644)
  await t.rejects(openAuthority(path, 'autoshield.test', clock), { code: 'UNTRUSTED', message: /chmod 600/ })
})

t.test('a folder that cannot be made is said plainly', async (t) => {
  await t.rejects(openAuthority('/dev/null/ca', 'autoshield.test', clock), { code: 'UNAVAILABLE', message: /choose another data folder/ })
})
