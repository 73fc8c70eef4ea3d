import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readCredentials } from '../../certs/credential-folder.ts'
import { identityFolder } from '../../src/cli/data-folder.ts'
import { StandaloneIdentities } from '../../src/cli/standalone-identities.ts'
import { checkCredentials } from '../../src/wire/check-credentials.ts'
import { DAY_MS, HOUR_MS, TestClock } from '../certs/samples.ts'

t.test('a running `up` renews its own identities and the detector\'s before they end, day after day', async (t) => {
  const data = await mkdtemp(join(tmpdir(), 'autoshield-up-'))
  t.teardown(() => rm(data, { recursive: true }))
  const [clock, warnings] = [new TestClock(), [] as string[]]
  const identities = new StandaloneIdentities({ data, ingestHost: '127.0.0.1', xdsHost: '127.0.0.1', clock, warn: (problem) => warnings.push(problem) })
  await identities.issue()
  const seen = new Set<string>()
  clock.nowMs += 330 * DAY_MS
  for (const endMs = clock.nowMs + 40 * DAY_MS; clock.nowMs < endMs; clock.nowMs += 7 * HOUR_MS) { // a root is followed by another
    await identities.renewIfDue()
    const all = [identities.controller.current(), identities.xds.current(), await readCredentials(identityFolder(data, 'detector')), await readCredentials(identityFolder(data, 'replay'))]
    for (const credentials of all) t.equal(checkCredentials(credentials, { nowMs: clock.nowMs })?.detail, undefined)
    seen.add(all[0]?.certificate ?? '')
  }
  t.ok(seen.size > 40 && seen.size < 62, `${seen.size} renewals in 40 days`)
  t.same(warnings, [])
})
