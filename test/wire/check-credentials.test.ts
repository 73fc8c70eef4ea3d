import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import type { Credentials } from '../../src/core/identity.ts'
import { checkCredentials, renewAtMs, type CredentialProblem } from '../../src/wire/check-credentials.ts'
import { DAY_MS, Root } from '../certs/samples.ts'

const nowMs = Date.now()
const root = new Root(nowMs)
const good = root.issue('webhook', { dns: ['webhook.autoshield.svc'], nowMs })
const other = root.issue('other', { nowMs })
const successor = new Root(nowMs, [root.certificate])

interface Row {
  readonly name: string
  readonly credentials: Credentials
  readonly atMs?: number
  readonly dns?: readonly string[]
  readonly problem: CredentialProblem | null
}

const TABLE: readonly Row[] = [
  { name: 'a good pair', credentials: good, dns: ['webhook.autoshield.svc'], problem: null },
  { name: 'of a root that signs no more but is in the bundle', credentials: { ...good, authorities: successor.authority.bundle }, problem: null },
  { name: 'before its time', credentials: good, atMs: nowMs - 2 * 60_000, problem: 'NotYetValid' },
  { name: 'at its end', credentials: good, atMs: nowMs + DAY_MS, problem: 'Expired' },
  { name: 'a second before its end', credentials: good, atMs: nowMs + DAY_MS - 2_000, problem: null },
  { name: 'the key of another', credentials: { ...good, key: other.key }, problem: 'KeyDoesNotFit' },
  { name: 'of another root', credentials: { ...good, authorities: new Root(nowMs).authority.bundle }, problem: 'Foreign' },
  { name: 'another name', credentials: good, dns: ['elsewhere.autoshield.svc'], problem: 'NameDoesNotFit' },
  { name: 'one of two names', credentials: good, dns: ['webhook.autoshield.svc', 'webhook.autoshield.svc.cluster.local'], problem: 'NameDoesNotFit' },
  { name: 'no certificate', credentials: { ...good, certificate: '' }, problem: 'HalfWritten' },
  { name: 'half a certificate', credentials: { ...good, certificate: good.certificate.slice(0, 300) }, problem: 'HalfWritten' },
  { name: 'a certificate with a hole', credentials: { ...good, certificate: good.certificate.replace(/^(.{200}).{40}/s, '$1') }, problem: 'HalfWritten' },
  { name: 'half a key', credentials: { ...good, key: good.key.slice(0, 100) }, problem: 'HalfWritten' },
  { name: 'no key', credentials: { ...good, key: '' }, problem: 'HalfWritten' },
  { name: 'no authority', credentials: { ...good, authorities: '\n' }, problem: 'HalfWritten' },
  { name: 'a leaf that would be an authority', credentials: { ...good, authorities: other.certificate }, problem: 'Foreign' },
]

t.test('a pair that cannot serve is refused with its reason', (t) => {
  for (const { name, credentials, atMs = nowMs, dns = [], problem } of TABLE) {
    const refused = checkCredentials(credentials, { nowMs: atMs, dns })
    t.equal(refused?.problem ?? null, problem, name)
    if (refused !== null) t.notMatch(refused.detail, /PRIVATE KEY|BEGIN/, 'and without showing what is secret')
  }
  t.end()
})

t.test('an ended authority vouches for nobody', (t) => {
  const aged = new Root(nowMs - 365 * DAY_MS + 60_000)
  const leaf = aged.issue('webhook', { nowMs })
  t.equal(checkCredentials(leaf, { nowMs })?.problem, undefined)
  t.equal(checkCredentials(leaf, { nowMs: nowMs + 120_000 })?.problem, 'Expired', 'a leaf never outlives its authority')
  t.end()
})

t.test('chains as other issuers make them are understood: self-signed, and through an intermediate', async (t) => {
  const folder = await openssl(t)
  const [self, chain, ca] = await Promise.all(['self.pem', 'chain.pem', 'root.pem'].map((file) => readFile(join(folder, file), 'utf8')))
  const [selfKey, leafKey] = await Promise.all(['self.key', 'leaf.key'].map((file) => readFile(join(folder, file), 'utf8')))
  const dns = ['webhook.autoshield.svc']
  const atMs = Date.now() + 1_000
  t.equal(checkCredentials({ certificate: self ?? '', key: selfKey ?? '', authorities: self ?? '' }, { nowMs: atMs, dns }), null)
  t.equal(checkCredentials({ certificate: chain ?? '', key: leafKey ?? '', authorities: ca ?? '' }, { nowMs: atMs, dns }), null)
  const leafOnly = chain?.slice(0, chain.indexOf('-----END') + 26) ?? ''
  t.equal(checkCredentials({ certificate: leafOnly, key: leafKey ?? '', authorities: ca ?? '' }, { nowMs: atMs })?.problem, 'Foreign', 'not without the intermediate')
})

t.test('renewal is due between two thirds and three quarters of a life', (t) => {
  const { validFromDate } = new X509Certificate(good.certificate)
  const lifeMs = DAY_MS + 60_000
  t.ok(Math.abs(renewAtMs(good.certificate, 0) - validFromDate.getTime() - lifeMs * 2 / 3) < 2_000)
  t.ok(Math.abs(renewAtMs(good.certificate, 1) - validFromDate.getTime() - lifeMs * 3 / 4) < 2_000)
  t.end()
})

/** Certificates that are not of our own making. */
async function openssl (t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-chain-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const run = (...args: string[]) => promisify(execFile)('openssl', args, { cwd: folder })
  const key = ['-newkey', 'rsa:2048', '-noenc']
  const name = ['-addext', 'subjectAltName=DNS:webhook.autoshield.svc']
  await run('req', '-x509', ...key, '-keyout', 'self.key', '-out', 'self.pem', '-subj', '/CN=self', '-days', '1', ...name)
  await run('req', '-x509', ...key, '-keyout', 'root.key', '-out', 'root.pem', '-subj', '/CN=root', '-days', '1')
  await run('req', ...key, '-keyout', 'middle.key', '-out', 'middle.csr', '-subj', '/CN=middle')
  await writeFile(join(folder, 'ca.ext'), 'basicConstraints=critical,CA:TRUE\n')
  await run('x509', '-req', '-in', 'middle.csr', '-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial', '-days', '1', '-extfile', 'ca.ext', '-out', 'middle.pem')
  await run('req', ...key, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=leaf')
  await writeFile(join(folder, 'leaf.ext'), 'subjectAltName=DNS:webhook.autoshield.svc\n')
  await run('x509', '-req', '-in', 'leaf.csr', '-CA', 'middle.pem', '-CAkey', 'middle.key', '-CAcreateserial', '-days', '1', '-extfile', 'leaf.ext', '-out', 'leaf.pem')
  await writeFile(join(folder, 'chain.pem'), await readFile(join(folder, 'leaf.pem'), 'utf8') + await readFile(join(folder, 'middle.pem'), 'utf8'))
  return folder
}
