import type { AttackClass } from '../../../src/core/classes.ts'
import { BRUTE_FORCES } from './brute-force.ts'
import { DATA_EXFILTRATIONS } from './data-exfiltration.ts'
import { DRIPS } from './drips.ts'
import { LATERAL_MOVEMENTS } from './lateral-movement.ts'
import type { Variant } from './plan.ts'
import { PORT_SCANS } from './port-scan.ts'
import { SLOW_GUESSES } from './slow-guessing.ts'
import { SLOW_HOPS } from './slow-hops.ts'
import { SLOW_SCANS } from './slow-scan.ts'
import { SYN_FLOODS } from './syn-flood.ts'
import { TUNNELS } from './tunnels.ts'
import { UNDER_LOAD } from './under-load.ts'
import { WEAK_FLOODS } from './weak-floods.ts'

export const ATTACKS: Readonly<Record<AttackClass, readonly Variant[]>> = {
  PORT_SCAN: [...PORT_SCANS, ...SLOW_SCANS, UNDER_LOAD.scan],
  SYN_FLOOD: [...SYN_FLOODS, ...WEAK_FLOODS, UNDER_LOAD.flood],
  BRUTE_FORCE: [...BRUTE_FORCES, ...SLOW_GUESSES, UNDER_LOAD.guess],
  LATERAL_MOVEMENT: [...LATERAL_MOVEMENTS, ...SLOW_HOPS],
  DATA_EXFILTRATION: [...DATA_EXFILTRATIONS, ...DRIPS, ...TUNNELS, UNDER_LOAD.exfiltration],
}

/** Every program that some attack or load calls. */
export const ATTACK_TOOLS = ['nmap', 'nping', 'masscan', 'hping3', 'hydra', 'patator', 'medusa', 'ncrack', 'nc', 'socat', 'sshpass', 'scp', 'rsync', 'curl',
  'smbclient', 'rpcclient', 'iodine', 'iodined', 'dns2tcpc', 'dns2tcpd', 'ptunnel', 'dig', 'nft', 'tc', 'ping', 'redis-benchmark', 'pgbench', 'envoy'] as const
