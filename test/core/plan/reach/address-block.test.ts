import t from 'tap'
import { addressText, parseAddress } from '../../../../src/core/flow/address.ts'
import { inBlock, parseBlock, representatives, type AddressBlock } from '../../../../src/core/plan/reach/address-block.ts'
import { randomFrom } from '../../../lab/random.ts'

const block = (cidr: string): AddressBlock => parseBlock(cidr) ?? t.fail(cidr) as never
const words = (address: string): Int32Array => parseAddress(address) ?? t.fail(address) as never
const texts = (blocks: readonly string[], owned: readonly string[] = []): string[] =>
  representatives(blocks.map(block), (one) => owned.includes(addressText(one, 0))).map((one) => addressText(one, 0)).sort()

t.test('a block holds the addresses of its own family alone', (t) => {
  const rows: [string, string, boolean][] = [
    ['10.0.0.0/8', '10.255.0.1', true], ['10.0.0.0/8', '11.0.0.1', false], ['10.0.0.7/24', '10.0.0.200', true], ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '::1', false], ['::/0', '10.0.0.1', false], ['::/0', 'fd00::1', true], ['fd00::/65', 'fd00::7fff:ffff:ffff:ffff', true], ['fd00::/65', 'fd00::8000:0:0:0', false],
    ['10.0.0.1/32', '10.0.0.1', true], ['10.0.0.1/32', '10.0.0.0', false], ['10.0.0.0/31', '10.0.0.1', true], ['::ffff:10.0.0.0/104', '10.1.1.1', true],
  ]
  for (const [cidr, address, inside] of rows) t.equal(inBlock(block(cidr), words(address)), inside, `${address} in ${cidr}`)
  for (const cidr of ['10.0.0.0', '10.0.0.0/33', '::/129', '/8', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', 'x/8']) t.equal(parseBlock(cidr), null, cidr)
  t.end()
})

t.test('representatives stand where blocks begin and behind them, and never on an address that is owned', (t) => {
  t.strictSame(texts([]), ['0.0.0.0', '::'])
  t.strictSame(texts(['10.0.0.0/24']), ['0.0.0.0', '10.0.0.0', '10.0.1.0', '::'])
  t.strictSame(texts(['10.0.0.5/32'], ['10.0.0.5']), ['0.0.0.0', '10.0.0.6', '::'], 'nothing is left of it')
  t.strictSame(texts(['10.0.0.4/30'], ['10.0.0.4', '10.0.0.5', '10.0.0.8']), ['0.0.0.0', '10.0.0.6', '10.0.0.9', '::'])
  t.strictSame(texts(['255.255.255.255/32', 'ffff::/16']), ['0.0.0.0', '255.255.255.255', '::', 'ffff::'], 'nothing is behind the last')
  t.end()
})

t.test('every address lies as one of the representatives does', (t) => {
  const random = randomFrom('representatives')
  const near = (): string => random.chance(0.5) ? `10.0.${random.integer(0, 3)}.${random.integer(0, 255)}` : `fd00::${random.integer(0, 3)}:${random.integer(0, 9)}`
  for (let run = 0; run < 500; run++) {
    const blocks = Array.from({ length: random.integer(0, 5) }, () => { const address = near(); return block(`${address}/${address.includes(':') ? random.integer(108, 128) : random.integer(20, 32)}`) })
    const owned = new Set(Array.from({ length: 5 }, near))
    const lie = (address: Int32Array): string => `${addressText(address, 0).includes(':')} ${blocks.map((one) => inBlock(one, address)).join()}`
    const found = representatives(blocks, (one) => owned.has(addressText(one, 0)))
    const ways = new Set(found.map(lie))
    for (let tried = 0; tried < 20; tried++) {
      const address = near()
      if (!owned.has(address) && !ways.has(lie(words(address)))) t.fail(`${address} among ${JSON.stringify(blocks)}`)
    }
    if (found.some((one) => owned.has(addressText(one, 0)))) t.fail('an owned one')
  }
  t.pass('all do')
  t.end()
})
