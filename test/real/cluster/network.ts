import { randomBytes, randomInt } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { command } from './command.ts'
import { PODS } from './control-plane.ts'
import type { Sandbox } from './sandbox.ts'

/** The one wire between the machine and a cluster: a subnet of two addresses, out of the range that RFC 2544 keeps for tests. */
export interface Wire {
  /** The end on the machine's side, named so that the next start can tell whose it was. */
  readonly link: string
  /** What a server of the test's own listens on to be reached from the API server and from pods. */
  readonly host: string
  /** What the API server listens on. */
  readonly cluster: string
}

/** Chooses a wire whose subnet no interface of this machine has. */
export function chooseWire (): Wire {
  const taken = new Set(Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address)))
  for (;;) {
    const subnet = randomInt(2 ** 17 / 4) * 4 // 198.18.0.0/15 holds 2^17 addresses
    const at = (offset: number): string => `198.${18 + (subnet >> 16)}.${(subnet >> 8) & 255}.${(subnet & 255) + offset}`
    if (!taken.has(at(1))) return { link: `ashield-${randomBytes(3).toString('hex')}`, host: at(1), cluster: at(2) }
  }
}

/**
 * Lays the wire. Pods reach the machine's end through it under the cluster's address; the machine forwards nothing, so that pods reach
 * neither the network nor the Internet.
 */
export async function layWire (sandbox: Sandbox, { link, host, cluster }: Wire): Promise<void> {
  await command('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(sandbox.keeper.pid)])
  await command('ip', ['address', 'add', `${host}/30`, 'dev', link])
  await command('ip', ['link', 'set', link, 'up'])
  await sandbox.run('sh', '-ec', `
    ip link set lo up
    ip address add ${cluster}/30 dev eth0
    ip link set eth0 up
    ip route add default via ${host}
    echo 1 > /proc/sys/net/ipv4/ip_forward
    nft 'add table ip wire; add chain ip wire out { type nat hook postrouting priority srcnat; }; add rule ip wire out ip saddr ${PODS} oifname eth0 masquerade'`)
}

/** Removes the machine's end, if it is still there: the kernel removes it late after the namespace's end. */
export async function removeWire (link: string): Promise<void> {
  await command('ip', ['link', 'delete', link]).catch((error: unknown) => {
    if (!String(error).includes('Cannot find device')) throw error
  })
}

/** A link inside a cluster from its first node to a machine beside it. */
export interface Link {
  /** Its name at the first node; at the other end it is `eth0`. */
  readonly name: string
  readonly gateway: string
  /** Of the other end, the first one the one that it speaks by; all in one block with the gateway. */
  readonly addresses: readonly [string, ...string[]]
  /** Bits of that block. */
  readonly length: number
}

/** Lays it; the machine beside reaches everything through the first node, and the world outside under the cluster's address. */
export async function layLink (first: Sandbox, beside: Sandbox, { name, gateway, addresses, length }: Link): Promise<void> {
  // The other end is known to `ip` by a process as the machine numbers it.
  await command('nsenter', [`--net=/proc/${first.keeper.pid}/ns/net`, 'ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(beside.keeper.pid)])
  await first.run('sh', '-ec', `
    ip address add ${gateway}/${length} dev ${name}
    ip link set ${name} up
    nft 'add rule ip wire out ip saddr ${gateway}/${length} oifname eth0 masquerade'`)
  await beside.run('sh', '-ec', `
    ip link set lo up
    for address in ${addresses.join(' ')}; do ip address add $address/${length} dev eth0; done
    ip link set eth0 up
    ip route add default via ${gateway}
    echo 1 > /proc/sys/net/ipv4/ip_forward`)
}
