import { ADDRESS_WORDS, parseAddress } from '../flow/address.ts'
import { inBlock, parseBlock, type AddressBlock } from '../plan/reach/address-block.ts'

/**
 * What an address may be to a request that others can steer. `never`: nobody is there who takes messages, or a service
 * that hands out credentials.
 */
export type AddressClass = 'public' | 'private' | 'local' | 'never'

const blocks = (...cidrs: string[]): readonly AddressBlock[] => cidrs.map(parseBlock).filter((block) => block !== null)

/** The first class whose block holds the address counts. From IANA's registries of special-purpose addresses. */
const CLASSES: readonly (readonly [AddressClass, readonly AddressBlock[]])[] = [
  // Metadata services: AWS, Azure, Google (also by IPv6), Alibaba, Oracle, Azure's wire server.
  ['never', blocks('169.254.169.254/32', '169.254.170.2/32', '169.254.170.23/32', 'fd00:ec2::254/128', 'fd00:ec2::23/128', 'fd20:ce::254/128', '100.100.100.200/32', '192.0.0.192/32', '168.63.129.16/32')],
  // "This network", multicast, reserved, broadcast, unspecified, documentation, discard-only.
  ['never', blocks('0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '::/128', 'ff00::/8', '100::/64', '2001:db8::/32')],
  ['local', blocks('127.0.0.0/8', '::1/128', '169.254.0.0/16', 'fe80::/10')],
  // Private use, shared with a carrier (also what some clusters give to pods), benchmarks, protocol assignments, site-local.
  ['private', blocks('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '198.18.0.0/15', '192.0.0.0/24', 'fc00::/7', 'fec0::/10')],
]

/** Blocks of IPv6 whose addresses carry one of IPv4, and the word in which it stands. */
const CARRIERS: readonly { readonly block: AddressBlock, readonly word: number }[] = [
  { cidr: '64:ff9b::/96', word: 3 }, // NAT64, RFC 6052
  { cidr: '64:ff9b:1::/48', word: 3 }, // NAT64 of a local prefix, RFC 8215
  { cidr: '::/96', word: 3 }, // compatible, RFC 4291
].flatMap(({ cidr, word }) => blocks(cidr).map((block) => ({ block, word })))
const SIX_TO_FOUR = blocks('2002::/16')

/** `never` for what is no address. An address of IPv4 inside one of IPv6 (mapped, compatible, NAT64, 6to4) counts as itself. */
export function classOfAddress (text: string): AddressClass {
  const words = parseAddress(text.replace(/%.*$/, ''))
  if (words === null) return 'never'
  const own = classOf(words)
  if (own !== 'public') return own
  const carried = carriedBy(words)
  return carried === null ? 'public' : classOf(carried)
}

const classOf = (words: Int32Array): AddressClass => CLASSES.find(([, held]) => held.some((block) => inBlock(block, words)))?.[0] ?? 'public'

function carriedBy (words: Int32Array): Int32Array | null {
  const ipv4 = (word: number): Int32Array => Int32Array.of(...new Array<number>(ADDRESS_WORDS - 2).fill(0), 0xffff, word)
  if (SIX_TO_FOUR.some((block) => inBlock(block, words))) return ipv4(((words[0] ?? 0) << 16) | ((words[1] ?? 0) >>> 16))
  const carrier = CARRIERS.find(({ block }) => inBlock(block, words))
  return carrier === undefined ? null : ipv4(words[carrier.word] ?? 0)
}
