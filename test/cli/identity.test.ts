import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { autoshield } from '../program.ts'

t.test('an identity can be looked at: whose it is, until when, and why it cannot be used', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-show-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const out = join(folder, 'id')
  t.match(await autoshield(['identity', 'issue', '--data', join(folder, 'data'), '--namespace', 'shop', '--uid', 'db-0', '--out', out]), { status: 0 })
  t.match(await autoshield(['identity', 'show', out]), { status: 0, stdout: /spiffe:\/\/autoshield.local\/ns\/shop\/pod\/db-0\nvalid .*\nrenewal .*\nauthority .*\nusable {5}yes/ })
  await copyFile(join(out, 'ca.pem'), join(out, 'cert.pem'))
  t.match(await autoshield(['identity', 'show', out]), { status: 79, stdout: /usable {5}no: the key is not that of the certificate/ })
  t.match(await autoshield(['identity', 'show', folder]), { status: 65, stderr: /holds no identity/ })
})
