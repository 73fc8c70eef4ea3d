import { isIP } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { addressFromBytes, addressToBytes } from '../../src/wire/address.ts'
import { addressBytes } from './arbitrary-window.ts'

/** The URL parser writes IPv6 as RFC 5952 says. */
const canonical = (text: string): string => text.includes(':') ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : text

t.test('every address has one text, the canonical one, and its bytes come back from it', async (t) => {
  fc.assert(fc.property(addressBytes, (bytes) => {
    const text = addressFromBytes(bytes) ?? ''
    t.ok(isIP(text) !== 0 && canonical(text) === text, text)
    t.strictSame([...addressToBytes(text) ?? []], [...bytes], text)
  }), { numRuns: 200 })
})

t.test('every spelling of an address gives the same bytes as Node reads in it', async (t) => {
  fc.assert(fc.property(fc.ipV6(), (text) => {
    if (isIP(text) !== 6) return
    const bytes = addressToBytes(text)
    const expected = canonical(text)
    if (expected.startsWith('::ffff:') && bytes?.length === 4) return
    t.equal(addressFromBytes(bytes ?? new Uint8Array()), expected, text)
  }), { numRuns: 300 })
  t.strictSame([...addressToBytes('::ffff:10.1.2.3') ?? []], [10, 1, 2, 3], 'an IPv4-mapped address is the IPv4 address')
  t.strictSame([...addressToBytes('::FFFF:a01:203') ?? []], [10, 1, 2, 3], 'in either spelling')
})

t.test('what Node holds for no address gives null', async (t) => {
  for (const text of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', ':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8::', 'g::', '::1%lo', '::1.2.3', '1.2.3.4::', '12345::']) {
    t.equal(isIP(text.split('%')[0] ?? '') !== 0 && !text.includes('%'), addressToBytes(text) !== null, JSON.stringify(text))
  }
  t.equal(addressFromBytes(new Uint8Array(5)), null)
  t.equal(addressFromBytes(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4)), null, 'a mapped address is not canonical')
})
