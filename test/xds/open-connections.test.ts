import t from 'tap'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import { openConnectionsOf } from '../../xds/open-connections.ts'
import type { ProxySpec } from '../../xds/proxy-spec.ts'
import type { Duty } from '../../xds/restriction.ts'
import { bornAt, mitigationOf, secondOf2026 } from './mitigation-of.ts'

const at = secondOf2026
const born = (second: number, name: string, spec: Partial<Mitigation['spec']> = {}): Mitigation => bornAt(second, mitigationOf(name, spec))

/** Applications see the proxy's address as their clients'. */
const HIDDEN = false
const REDIRECT: Omit<ProxySpec, 'podUid'> = { inbound: { mode: 'redirect', port: 15_006 } }
const explicit = (...ports: number[]): Omit<ProxySpec, 'podUid'> => ({ inbound: { mode: 'explicit', ports: ports.map((port) => ({ listen: { address: '10.0.0.1', port }, upstream: { address: '127.0.0.1', port: port + 1000 } })) } })
const limit = (unit: 'requests/s' | 'connections/s') => ({ action: 'limit', limit: { value: 5, unit, burst: 5 } }) as const
const WATCH = { action: 'watch' } as const
const NONE = [{ means: 'none' }]

t.test('what becomes of open connections, by the table', (t) => {
  const other = { subject: { uid: 'other', addresses: ['127.0.0.77'] } }
  const table: [string, Omit<ProxySpec, 'podUid'>, readonly Mitigation[], unknown][] = [
    ['never seen before, explicit', explicit(80), [born(9, 'm')], NONE],
    ['never seen before, behind a redirect', REDIRECT, [born(9, 'm')], NONE],
    ['watched before', explicit(80), [born(5, 'watch', WATCH), born(9, 'm')], [{ means: 'chain', since: at(5) }]],
    ['watched since the same moment', explicit(80), [born(9, 'watch', WATCH), born(9, 'm')], NONE],
    ['watched later', explicit(80), [born(11, 'watch', WATCH), born(9, 'm')], NONE],
    ['somebody else was watched', explicit(80), [born(5, 'watch', { ...WATCH, ...other }), born(9, 'm')], NONE],
    ['counted before in shadow', explicit(80), [born(5, 'shadow', { mode: 'shadow' }), born(9, 'm')], [{ means: 'chain', since: at(5) }]],
    ['limited where it was watched', explicit(80), [born(5, 'watch', WATCH), born(9, 'm', limit('connections/s'))], [{ means: 'chain', since: at(5) }]],
    ['limited, never seen before', explicit(80), [born(9, 'm', limit('connections/s'))], NONE],
    ['watched on one of two ports', explicit(80, 81), [born(5, 'watch', { ...WATCH, ports: [80] }), born(9, 'm')], [{ ports: [80], means: 'chain', since: at(5) }, { ports: [81], means: 'none' }]],
    ['denied twice: the first cut it', explicit(80), [born(3, 'watch', WATCH), born(5, 'deny'), born(9, 'm')], [{ means: 'chain', since: at(3) }]],
    ['HTTP denied', { ...explicit(80), httpPorts: [1080] }, [born(9, 'm')], [{ means: 'route' }]],
    ['HTTP, requests limited', { ...explicit(80), httpPorts: [80] }, [born(9, 'm', limit('requests/s'))], [{ means: 'route' }]],
    ['HTTP, connections limited', { ...explicit(80), httpPorts: [80] }, [born(9, 'm', limit('connections/s'))], NONE],
    ['HTTP on one of two ports', { ...REDIRECT, httpPorts: [8080] }, [born(9, 'm')], [{ means: 'none' }, { ports: [8080], means: 'route' }]],
    ['a keeper that may cut', { ...REDIRECT, cutsSockets: true }, [born(9, 'm')], [{ means: 'sockets' }]],
    ['a keeper that may cut, and HTTP', { ...REDIRECT, cutsSockets: true, httpPorts: [8080] }, [born(9, 'm')], [{ means: 'sockets' }, { ports: [8080], means: 'route' }]],
    ['a keeper that may cut, single ports', { ...REDIRECT, cutsSockets: true }, [born(9, 'm', { ports: [22] })], [{ ports: [22], means: 'none' }]],
    ['a keeper that may cut, a limit', { ...REDIRECT, cutsSockets: true }, [born(9, 'm', limit('connections/s'))], NONE],
    ['watched on every port, denied on one that nobody named', REDIRECT, [born(5, 'watch', WATCH), born(9, 'm', { ports: [22] })], [{ ports: [22], means: 'none' }]],
    ['watched on every port, denied on one that somebody named', REDIRECT, [born(3, 'watch', WATCH), born(5, 'named', { ...WATCH, ...other, ports: [22] }), born(9, 'm', { ports: [22] })], [{ ports: [22], means: 'chain', since: at(5) }]],
    ['watched and denied on every port', REDIRECT, [born(5, 'watch', WATCH), born(9, 'm')], [{ means: 'chain', since: at(5) }]],
    ['of two addresses, one was watched', explicit(80), [born(5, 'watch', WATCH), born(9, 'm', { subject: { uid: 'attacker', addresses: ['127.0.0.66', '127.0.0.67'] } })], NONE],
    ['watch', explicit(80), [born(9, 'm', WATCH)], undefined],
    ['shadow', explicit(80), [born(9, 'm', { mode: 'shadow' })], undefined],
    ['requests/s where none are seen', explicit(80), [born(9, 'm', limit('requests/s'))], []],
  ]
  for (const [name, spec, mitigations, wanted] of table) {
    const duties = mitigations.map((mitigation): Duty => ({ mitigation, side: 'victim' }))
    t.strictSame(openConnectionsOf(spec, duties, HIDDEN)['m'], wanted, name)
    t.strictSame(openConnectionsOf(spec, duties.toReversed(), HIDDEN)['m'], wanted, `${name}: whatever the order`)
  }
  t.end()
})

t.test('where applications see their clients\' addresses, a keeper that may cuts a denial of single ports as well', (t) => {
  const means = (spec: Omit<ProxySpec, 'podUid'>, mitigation: Mitigation) => openConnectionsOf(spec, [{ mitigation, side: 'victim' }], true)['m']
  const denial = born(9, 'm', { ports: [22, 8080] })
  t.strictSame(means({ ...REDIRECT, cutsSockets: true, httpPorts: [8080] }, denial), [{ ports: [8080], means: 'route' }, { ports: [22], means: 'sockets' }])
  t.strictSame(means(REDIRECT, denial), [{ ports: [22, 8080], means: 'none' }], 'without the right')
  t.strictSame(means({ ...explicit(22, 8080), cutsSockets: true }, denial), [{ ports: [22, 8080], means: 'none' }], 'without a redirect')
  t.strictSame(means({ ...REDIRECT, cutsSockets: true }, born(9, 'm', { ...limit('connections/s'), ports: [22] })), [{ ports: [22], means: 'none' }], 'a limit')
  t.end()
})

t.test('on its way out, too', (t) => {
  const spec = { ...REDIRECT, outbound: { port: 15_001 } }
  const duty = (mitigation: Mitigation): Duty => ({ mitigation, side: 'subject' })
  const deny = born(9, 'm', { direction: 'egress', ports: [22] })
  t.strictSame(openConnectionsOf(spec, [duty(deny)], HIDDEN)['m'], [{ ports: [22], means: 'none' }])
  t.strictSame(openConnectionsOf({ ...spec, cutsSockets: true }, [duty(deny)], HIDDEN)['m'], [{ ports: [22], means: 'sockets' }])
  t.strictSame(openConnectionsOf(spec, [duty(born(5, 'watch', { ...WATCH, direction: 'egress', ports: [22] })), duty(deny)], HIDDEN)['m'], [{ ports: [22], means: 'chain', since: at(5) }])
  t.equal(openConnectionsOf(REDIRECT, [duty(deny)], HIDDEN)['m'], undefined, 'nothing passes it')
  t.end()
})
