import { isIPv4 } from 'node:net'

/** Whether an IPv4 range in CIDR notation covers an address; false for everything else. */
export function covers (range: string, address: string): boolean {
  const [network = '', bits = '32'] = range.split('/')
  if (!isIPv4(network) || !isIPv4(address)) return false
  const size = 2 ** (32 - Number(bits))
  return Math.floor(numberOf(network) / size) === Math.floor(numberOf(address) / size)
}

const numberOf = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
