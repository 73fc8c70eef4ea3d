import t from 'tap'
import { covers, type Asked } from '../../../src/core/exception/covers.ts'
import type { ExceptionSpec } from '../../../src/core/exception/exception.ts'
import { madeExceptionSpec, NOW } from './made-exception.ts'

const source = { address: '10.0.0.7', uid: 'u7', namespace: 'shop', name: 'web-7' }
const target = { address: '10.0.0.9', uid: 'u9', namespace: 'shop', name: 'db-0' }
const labels: Readonly<Record<string, Record<string, string>>> = { u7: { app: 'web', constructor: 'x' }, u9: { app: 'db' } }
const asked: Asked = {
  detection: { class: 'PORT_SCAN', source, target }, severity: 'medium', action: 'network_policy', nowMs: NOW, podOf: ({ uid = '' }) => uid in labels ? { labels: labels[uid] ?? {} } : null,
}

const { source: _source, ...anybody } = madeExceptionSpec({ target: { cidr: '10.0.0.8/29' } })

t.test('an exception covers what it names and nothing else', (t) => {
  const ends: [string, Partial<ExceptionSpec>, Partial<Asked>, boolean][] = [
    ['everything as named', {}, {}, true],
    ['at its end', { until: '2026-01-01T00:00:00Z' }, {}, false],
    ['a moment before', { until: '2026-01-01T00:00:00.001Z' }, {}, true],
    ['another class', {}, { detection: { ...asked.detection, class: 'LATERAL_MOVEMENT' } }, false],
    ['the severity itself', {}, { severity: 'high' }, true],
    ['a graver rule', {}, { severity: 'critical' }, false],
    ['an action that is named', { actions: ['alert_only', 'network_policy'] }, {}, true],
    ['an action that is not', { actions: ['alert_only'] }, {}, false],
    ['another source', { source: { namespace: 'shop', name: 'web-8' } }, {}, false],
    ['another namespace', { source: { namespace: 'bank' } }, {}, false],
    ['both ends as named', { target: { name: 'db-0' } }, {}, true],
    ['one end not', { target: { name: 'db-1' } }, {}, false],
    ['an address in the block', { source: { cidr: '10.0.0.0/24' } }, {}, true],
    ['an address beyond it', { source: { cidr: '10.0.1.0/24' } }, {}, false],
    ['labels that it has', { source: { labels: { app: 'web' } } }, {}, true],
    ['labels that it has not', { source: { labels: { app: 'db' } } }, {}, false],
    ['a label called like what every object inherits', { source: { labels: { toString: 'web' } } }, {}, false],
    ['labels of somebody who is no pod', { source: { labels: { app: 'web' } } }, { podOf: () => null }, false],
    ['one of several that does not hold', { source: { name: 'web-7', cidr: '10.0.1.0/24' } }, {}, false],
    ['a source that the detection does not have', {}, { detection: { ...asked.detection, source: null } }, false],
    ['a target that the detection does not have', { target: { name: 'db-0' } }, { detection: { ...asked.detection, target: null } }, false],
    ['an address that is no known pod', {}, { detection: { ...asked.detection, source: { address: '10.0.0.7' } } }, false],
  ]
  for (const [name, spec, more, wanted] of ends) t.equal(covers(madeExceptionSpec(spec), { ...asked, ...more }), wanted, name)
  t.equal(covers(anybody, asked), true, 'any source on a target')
  t.end()
})
