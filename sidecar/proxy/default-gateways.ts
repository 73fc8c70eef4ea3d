import { readFile } from 'node:fs/promises'
import { endianness } from 'node:os'
import { addressFromBytes } from '../../src/wire/address.ts'

const IPV4 = '/proc/self/net/route'
const IPV6 = '/proc/self/net/ipv6_route'
const NOWHERE = /^0+$/

/** The routers of this network's default routes. Under most CNIs a pod's is its node: what the node calls the pod with is that address, or the node's own. */
export async function defaultGateways (): Promise<readonly string[]> {
  const [four, six] = await Promise.all([IPV4, IPV6].map((path) => readFile(path, 'utf8').catch(() => ''))) // no such family
  return gatewaysIn(four ?? '', six ?? '')
}

/** Of the two tables as the kernel prints them (proc_net(5)); link-local routers are left out, for nobody calls from such an address. */
export function gatewaysIn (ipv4: string, ipv6: string): readonly string[] {
  const four = fieldsOf(ipv4).flatMap(([, destination, gateway = '', , , , , mask]) => destination === '00000000' && mask === '00000000' ? bytesOfIpv4(gateway) : [])
  const six = fieldsOf(ipv6).flatMap(([destination = '', length, , , gateway = '']) => NOWHERE.test(destination) && length === '00' && !gateway.startsWith('fe80') ? Buffer.from(gateway, 'hex') : [])
  return [...four, ...six].filter((bytes) => bytes.some((byte) => byte !== 0)).flatMap((bytes) => addressFromBytes(bytes) ?? [])
}

const fieldsOf = (table: string): string[][] => table.split('\n').map((line) => line.split(/\s+/))

/** A word as the machine has it in memory. */
function bytesOfIpv4 (text: string): Buffer {
  const bytes = Buffer.from(text, 'hex')
  return endianness() === 'LE' ? bytes.reverse() : bytes
}
