import t from 'tap'
import { SecretAuthority } from '../../certs/secret-authority.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import { FakeKubernetes } from '../kubernetes/fake-api.ts'
import { TestClock, TRUST_DOMAIN } from './samples.ts'

t.test('an API server that went away right after it was listed does not leave a controller without its authority for a minute', { timeout: 20_000 }, async (t) => {
  const api = new FakeKubernetes()
  let left = 2
  api.fault = ({ verb }) => verb === 'get' && left-- > 0 ? new AutoshieldError('UNAVAILABLE', 'away') : null
  const events: string[] = []
  const made = Promise.withResolvers<undefined>()
  const authority = new SecretAuthority({
    api,
    namespace: 'autoshield',
    trustDomain: TRUST_DOMAIN,
    clock: new TestClock(),
    everyMs: 3_600_000,
    onEvent: ({ type }) => {
      events.push(type)
      if (type === 'created') made.resolve(undefined)
    },
  })
  const stop = new AbortController()
  const running = authority.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  await made.promise
  t.doesNotThrow(() => authority.current())
  t.strictSame(events, ['failed', 'created'])
})
