import fc from 'fast-check'
import t from 'tap'
import { countedAttempts, type Budget } from '../../../src/core/mitigation/counted-attempts.ts'
import { createMitigation } from '../../../src/core/mitigation/lifecycle.ts'
import type { Mitigation, MitigationSpec } from '../../../src/core/mitigation/mitigation.ts'
import type { RestrictionCount } from '../../../src/core/mitigation/restriction-count.ts'

const NOW_MS = Date.parse('2026-06-01T12:00:00Z')

const mitigation = (change: Partial<MitigationSpec> = {}): Mitigation => createMitigation({
  owner: { policy: 'p.yaml', rule: 'r', hash: 'h' },
  detection: 'd-1',
  subject: { uid: 'bad', addresses: ['10.0.0.1', 'fd00::1'] },
  victims: [{ uid: 'db', addresses: ['10.0.0.3'] }],
  direction: 'ingress',
  ports: 'any',
  action: 'deny',
  mode: 'enforce',
  expiresAt: new Date(NOW_MS + 600_000).toISOString(),
  reason: 'a scan',
  ...change,
}, { name: 'm-1', uid: 'u-1', plan: { undo: '', targets: [], reason: 'RuleMatched', message: '' } }, NOW_MS)

const limit = (unit: 'requests/s' | 'connections/s' | 'connections' | 'bytes/s', value = 10, burst = value): Partial<MitigationSpec> => ({ action: 'limit', limit: { value, unit, burst } })

const count = (change: Partial<RestrictionCount> = {}): RestrictionCount => ({
  podUid: 'db', source: '10.0.0.1', destination: '10.0.0.3', port: null, unit: 'connections', atMs: NOW_MS, attempts: 9, denied: 4, limited: 3, passed: 2, shadowed: 0, ...change,
})

/** What a limit on all sources together stopped. */
const drops = (change: Partial<RestrictionCount> = {}): RestrictionCount => count({ source: null, denied: 0, limited: 9, passed: 0, ...change })

t.test('a count says of a mitigation what the table says', (t) => {
  const flood = count({ attempts: 103, denied: 0, limited: 3, passed: 100 })
  const table: [string, Partial<MitigationSpec>, RestrictionCount, { attempts: number, through: number } | null][] = [
    ['another source', {}, count({ source: '10.0.0.2' }), null],
    ['the proxy of a pod that is no victim', {}, count({ podUid: 'web' }), null],
    ['the subject\'s own proxy', {}, count({ podUid: 'bad' }), null],
    ['a forged source', { subject: 'anySource' }, count(), null],
    ['all sources, those of one', { subject: 'anySource', ...limit('connections/s') }, count(), null],
    ['all sources', { subject: 'anySource', ...limit('connections/s') }, drops(), { attempts: 9, through: 0 }],
    ['all sources, their port', { subject: 'anySource', ports: [80, 443], ...limit('connections/s') }, drops({ port: 443 }), { attempts: 9, through: 0 }],
    ['all sources, what a limit on another port dropped', { subject: 'anySource', ports: [80], ...limit('connections/s') }, drops({ port: 443 }), null],
    ['all sources, what a limit on any port dropped', { subject: 'anySource', ports: [80], ...limit('connections/s') }, drops(), null],
    ['all sources on any port, what a limit on one dropped', { subject: 'anySource', ...limit('connections/s') }, drops({ port: 80 }), null],
    ['all sources, in front of another pod', { subject: 'anySource', ...limit('connections/s') }, drops({ podUid: 'web' }), null],
    ['all sources, a limit that nobody holds', { subject: 'anySource', ...limit('requests/s') }, drops(), null],
    ['all sources, open connections', { subject: 'anySource', ...limit('connections') }, drops(), null],
    ['all sources, a denial', { subject: 'anySource' }, drops(), null],
    ['what was dropped of all sources, for one of them', limit('connections/s'), drops(), null],
    ['another port', { ports: [80] }, count({ port: 443 }), null],
    ['no port where one is named', { ports: [80] }, count(), null],
    ['watch', { action: 'watch' }, count(), null],
    ['deny', {}, count(), { attempts: 9, through: 2 }],
    ['deny, its port', { ports: [80] }, count({ port: 80 }), { attempts: 9, through: 2 }],
    ['deny on any port, a port that another restriction names', {}, count({ port: 80 }), { attempts: 9, through: 2 }],
    ['deny, the other family', {}, count({ source: 'fd00::1' }), { attempts: 9, through: 2 }],
    ['deny, requests', {}, count({ unit: 'requests' }), { attempts: 9, through: 2 }],
    ['connections/s within the limit', limit('connections/s'), count({ attempts: 2, denied: 0, limited: 0 }), { attempts: 0, through: 0 }],
    ['connections/s, what is beyond it is held back', limit('connections/s'), count(), { attempts: 3, through: 0 }],
    ['connections/s, more passed than its budget: 10 + 5 in the step + 1 token', limit('connections/s'), flood, { attempts: 87, through: 84 }],
    ['connections/s, of requests', limit('connections/s'), count({ unit: 'requests' }), null],
    ['requests/s', limit('requests/s'), { ...flood, unit: 'requests' }, { attempts: 87, through: 84 }],
    ['requests/s, of connections', limit('requests/s'), count(), null],
    ['open connections', limit('connections'), flood, { attempts: 3, through: 0 }],
    ['open connections, of requests', limit('connections'), count({ unit: 'requests' }), null],
    ['bytes/s', limit('bytes/s', 4096), flood, null],
  ]
  for (const [name, change, counted, wanted] of table) {
    const found = countedAttempts(mitigation(change), counted, null)
    t.strictSame(found === null ? null : { attempts: found.attempts, through: found.through }, wanted, name)
  }
  t.end()
})

/** What a run of counts, one a step, says got through in sum. */
function through (rate: number, burst: number, passed: readonly number[]): number {
  let budget: Budget | null = null
  let sum = 0
  for (const [step, each] of passed.entries()) {
    if (each === 0) continue
    const counted = countedAttempts(mitigation(limit('connections/s', rate, burst)), count({ atMs: NOW_MS + step * 500, attempts: each, denied: 0, limited: 0, passed: each }), budget)
    budget = counted?.budget ?? null
    sum += counted?.through ?? 0
  }
  return sum
}

t.test('what a token bucket lets through is never called more than its limit', async () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 400 }), fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 60 }),
    (rate, burst, wanted) => {
      // Envoy's bucket, filled as it fills it; whoever comes takes what there is, at the end of each of ten parts of a step.
      const fill = Math.max(1, Math.ceil(rate / 20))
      const most = Math.max(fill, burst)
      let tokens = most
      let fills = 0
      const passed = wanted.map((each, step) => {
        let got = 0
        for (let part = 0; part < 10; part++) {
          const due = Math.floor((step * 500 + part * 50 + 50) * rate / 1_000 / fill)
          tokens = Math.min(most, tokens + (due - fills) * fill)
          fills = due
          const take = Math.min(tokens, each - got)
          got += take
          tokens -= take
        }
        return got
      })
      return through(rate, burst, passed) === 0
    }
  ))
})

t.test('a rate that is exceeded for long is seen, be it exceeded by little', (t) => {
  t.equal(through(10, 10, Array.from({ length: 60 }, () => 5)), 0, 'five in each half second are ten a second')
  t.ok(through(10, 10, Array.from({ length: 60 }, () => 6)) > 0, 'six are twelve')
  t.equal(through(10, 10, [15, 0, 0, 15, 0, 0, 15]), 0, 'a burst comes back in a quiet second')
  t.end()
})
