import type { Test } from 'tap'
import type { Exceptions } from '../../../src/ports/exceptions.ts'
import { exceptionStatus, standingOf } from '../../../src/core/exception/exception-status.ts'
import { madeExceptionSpec, NOW } from '../../core/exception/made-exception.ts'
import { until } from '../../xds/real-envoy.ts'

const AT = '2026-01-01T00:00:00.000Z'

/** What every keeper of exceptions does. */
export function exceptionContract (t: Test, start: (t: Test) => Promise<{ exceptions: () => Exceptions, reopen: () => Promise<void> }>): void {
  t.test('an exception is there when it was made, by name, and over a restart', async (t) => {
    const { exceptions, reopen } = await start(t)
    let heard = 0
    const listening = exceptions().onChange(() => { heard++ })
    for (const name of ['b', 'a']) t.match(await exceptions().add(name, madeExceptionSpec(), AT), { metadata: { name, generation: 1 }, spec: madeExceptionSpec(), status: null })
    listening[Symbol.dispose]()
    t.ok(heard >= 2)
    await t.rejects(exceptions().add('a', madeExceptionSpec(), AT), { code: 'CONFLICT' })
    t.strictSame(exceptions().list().map(({ metadata }) => metadata.name), ['a', 'b'])
    await reopen()
    t.match(exceptions().list(), [{ metadata: { name: 'a' }, spec: madeExceptionSpec() }, { metadata: { name: 'b' } }])
  })

  t.test('its status is written beside what it asks for, and what is removed is gone', async (t) => {
    const { exceptions } = await start(t)
    const made = await exceptions().add('a', madeExceptionSpec(), AT)
    const status = exceptionStatus(made, standingOf(made, NOW), { count: 2, lastMs: NOW }, NOW)
    await exceptions().tell('a', status)
    t.match(exceptions().list(), [{ metadata: { generation: 1 }, spec: madeExceptionSpec(), status }])
    t.equal(await exceptions().remove('a'), true)
    t.equal(await exceptions().remove('a'), false)
    await until('that it is gone', () => exceptions().list().length === 0 || undefined)
    await t.rejects(exceptions().tell('a', status), { code: 'NOT_FOUND' })
  })
}
