import fc from 'fast-check'
import { isIPv6 } from 'node:net'
import t from 'tap'
import { addressText, parseAddress } from '../../../src/core/flow/address.ts'

t.test('addresses have one text each', (t) => {
  const rows = [
    ['10.0.0.1', '10.0.0.1'], ['255.255.255.255', '255.255.255.255'], ['::ffff:10.0.0.1', '10.0.0.1'], ['::ffff:a00:1', '10.0.0.1'],
    ['::', '::'], ['::1', '::1'], ['1::', '1::'], ['FD00:0:0::01', 'fd00::1'], ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'], ['1:0:0:2:0:0:3:4', '1::2:0:0:3:4'], ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ] as const
  for (const [text, canonical] of rows) {
    const words = parseAddress(text)
    t.equal(words === null ? null : addressText(words, 0), canonical, text)
  }
  t.end()
})

t.test('what is no address is refused', (t) => {
  for (const text of ['', '10.0.0', '10.0.0.256', '10.0.0.1.1', '1:2:3', '1::2::3', '::g', '12345::', '1:2:3:4:5:6:7:8:9', '::1.2.3', '::1.2.3.400', 'pod-1']) t.equal(parseAddress(text), null, text)
  t.end()
})

t.test('every address comes back from its text, as the URL parser writes it', (t) => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 }), (groups) => {
    const words = Int32Array.from({ length: 4 }, (_, at) => ((groups[2 * at] ?? 0) << 16) | (groups[2 * at + 1] ?? 0))
    const text = addressText(words, 0)
    if (isIPv6(text) && text !== new URL(`http://[${groups.map((group) => group.toString(16)).join(':')}]`).hostname.slice(1, -1)) return false
    return parseAddress(text)?.every((word, at) => word === words[at]) === true
  }))
  t.end()
})
