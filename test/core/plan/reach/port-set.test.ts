import fc from 'fast-check'
import t from 'tap'
import { TRANSPORTS } from '../../../../src/core/kubernetes/transport.ts'
import { ALL_PORTS, difference, everyPortOf, hasPort, intersection, portRanges, portsOf, union, type PortSet } from '../../../../src/core/plan/reach/port-set.ts'

const PORTS = [1, 2, 3, 4, 5, 65_534, 65_535]
const range = fc.record({ protocol: fc.constantFrom(...TRANSPORTS), first: fc.constantFrom(...PORTS), last: fc.constantFrom(...PORTS) })
const sets = fc.array(range, { maxLength: 5 }).map((ranges) => union(ranges.filter(({ first, last }) => first <= last).map(portsOf)))
const some = fc.oneof(sets, sets, fc.constant(ALL_PORTS), fc.constantFrom(...TRANSPORTS).map(everyPortOf))
const everyWhere = TRANSPORTS.flatMap((protocol) => PORTS.map((port) => [protocol, port] as const))

t.test('union, intersection and difference are those of sets', (t) => {
  fc.assert(fc.property(some, some, (left, right) => everyWhere.every(([protocol, port]) => {
    const [inLeft, inRight] = [hasPort(left, protocol, port), hasPort(right, protocol, port)]
    const has = (set: PortSet): boolean => hasPort(set, protocol, port)
    return has(union([left, right])) === (inLeft || inRight) && has(intersection(left, right)) === (inLeft && inRight) && has(difference(left, right)) === (inLeft && !inRight)
  })))
  t.end()
})

t.test('equal sets are equal lists, and come back from their ranges', (t) => {
  fc.assert(fc.property(some, some, (left, right) => {
    const whole = union([difference(left, right), intersection(right, left)])
    t.strictSame(whole, left)
    t.strictSame(union(portRanges(left).map(portsOf)), left)
  }))
  t.strictSame(union(TRANSPORTS.map(everyPortOf)), ALL_PORTS)
  t.end()
})
