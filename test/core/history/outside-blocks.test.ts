import fc from 'fast-check'
import t from 'tap'
import { parseAddress } from '../../../src/core/flow/address.ts'
import { inBlock, parseBlock } from '../../../src/core/plan/reach/address-block.ts'
import { outsideBlocks } from '../../../src/core/history/outside-blocks.ts'

const many = (count: number, address: (index: number) => string): string[] => Array.from({ length: count }, (_, index) => address(index))

t.test('few addresses are listed, many in one network as that network, and more as everything', (t) => {
  t.same(outsideBlocks(['192.0.2.7', '192.0.2.1', '192.0.2.7', '2001:db8::1']), ['192.0.2.1/32', '192.0.2.7/32', '2001:db8::1/128'])
  t.same(outsideBlocks(many(17, (index) => `192.0.2.${index}`)), ['192.0.2.0/24'])
  t.same(outsideBlocks(many(17, (index) => `192.0.${index}.1`)), ['0.0.0.0/0'])
  t.same(outsideBlocks(many(17, (index) => `2001:db8::${index}`)), ['2001:db8::/64'])
  t.same(outsideBlocks(many(17, (index) => `2001:db8:${index}::1`)), ['::/0'])
  t.end()
})

t.test('whatever the addresses, the blocks hold them all', (t) => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6().filter((text) => parseAddress(text) !== null))
  fc.assert(fc.property(fc.array(address, { maxLength: 40 }), (addresses) => {
    const blocks = outsideBlocks(addresses).flatMap((cidr) => parseBlock(cidr) ?? [])
    return addresses.every((text) => {
      const words = parseAddress(text)
      return words === null || blocks.some((block) => inBlock(block, words))
    })
  }))
  t.end()
})
