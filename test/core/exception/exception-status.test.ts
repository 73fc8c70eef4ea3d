import t from 'tap'
import { exceptionStatus, standingOf } from '../../../src/core/exception/exception-status.ts'
import { readExceptionSpec } from '../../../src/core/exception/read-exception.ts'
import { madeException, madeExceptionSpec, NOW } from './made-exception.ts'

const AT = '2026-01-01T00:00:00Z'

t.test('a spec that says nothing, too much or nonsense is refused at its place', (t) => {
  t.match(readExceptionSpec(madeExceptionSpec(), AT), { ok: true })
  const { source: _, ...nobody } = madeExceptionSpec()
  const table: [unknown, RegExp][] = [
    [undefined, /^spec/],
    [nobody, /names neither source nor target/],
    [{ ...madeExceptionSpec(), source: {} }, /spec\.source/],
    [{ ...madeExceptionSpec(), source: { labels: {} } }, /spec\.source\.labels/],
    [{ ...madeExceptionSpec(), classes: [] }, /spec\.classes/],
    [{ ...madeExceptionSpec(), classes: ['BENIGN'] }, /BENIGN is no attack/],
    [{ ...madeExceptionSpec(), actions: ['reboot'] }, /spec\.actions/],
    [{ ...madeExceptionSpec(), source: { cidr: '10.0.0.1' } }, /"10\.0\.0\.1" is no block/],
    [{ ...madeExceptionSpec(), source: { cidr: '0.0.0.0/0' } }, /is everybody/],
    [{ ...madeExceptionSpec(), target: { cidr: '::/0' } }, /spec\.target\.cidr: ::\/0 is everybody/],
    [{ ...madeExceptionSpec(), until: 'tomorrow' }, /spec\.until/],
    [{ ...madeExceptionSpec(), until: '2026-04-01T00:00:01Z' }, /more than 90 days after it was made: end it by 2026-04-01T00:00:00\.000Z/],
    [{ ...madeExceptionSpec(), reason: '' }, /spec\.reason/],
    [{ ...madeExceptionSpec(), upToSeverity: undefined }, /upToSeverity/],
    [{ ...madeExceptionSpec(), forever: true }, /spec/],
  ]
  for (const [spec, message] of table) {
    const read = readExceptionSpec(spec, AT)
    t.match(read, { ok: false }, String(message))
    if (!read.ok) t.match(read.problems.join('; '), message)
  }
  t.match(readExceptionSpec(madeExceptionSpec({ until: '2026-04-01T00:00:00Z' }), AT), { ok: true }, 'the bound itself')
  t.end()
})

t.test('each standing has its conditions, and what was covered is added up', (t) => {
  const shown = (spec: unknown, nowMs: number, covered = null as { count: number, lastMs: number } | null) => {
    const exception = madeException(spec)
    const { conditions, ...rest } = exceptionStatus(exception, standingOf(exception, nowMs), covered, nowMs)
    return { ...rest, conditions: conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`) }
  }
  t.strictSame(shown(madeExceptionSpec(), NOW), { covered: 0, conditions: ['Accepted True Covering', 'Active True Covering'] })
  t.strictSame(shown(madeExceptionSpec(), NOW + 4 * 3_600_000), { covered: 0, conditions: ['Accepted True Covering', 'Active False ExceptionEnded'] })
  t.strictSame(shown({}, NOW, { count: 2, lastMs: NOW }), { covered: 2, lastCovered: '2026-01-01T00:00:00.000Z', conditions: ['Accepted False ExceptionRefused', 'Active False ExceptionRefused'] })
  const first = exceptionStatus(madeException(), standingOf(madeException(), NOW), { count: 2, lastMs: NOW }, NOW)
  const again = madeException(madeExceptionSpec(), first)
  t.strictSame(exceptionStatus(again, standingOf(again, NOW + 1), null, NOW + 1), first, 'the same again changes nothing')
  t.match(exceptionStatus(again, standingOf(again, NOW + 5_000), { count: 1, lastMs: NOW + 5_000 }, NOW + 5_000), { covered: 3, lastCovered: '2026-01-01T00:00:05.000Z', conditions: [{ lastTransitionTime: '2026-01-01T00:00:00.000Z' }, {}] })
  t.end()
})
