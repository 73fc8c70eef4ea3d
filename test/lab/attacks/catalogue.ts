import type { AttackClass } from '../../../src/core/classes.ts'
import { BRUTE_FORCES } from './brute-force.ts'
import { DATA_EXFILTRATIONS } from './data-exfiltration.ts'
import { LATERAL_MOVEMENTS } from './lateral-movement.ts'
import type { Variant } from './plan.ts'
import { PORT_SCANS } from './port-scan.ts'
import { SYN_FLOODS } from './syn-flood.ts'

export const ATTACKS: Readonly<Record<AttackClass, readonly Variant[]>> = {
  PORT_SCAN: PORT_SCANS,
  SYN_FLOOD: SYN_FLOODS,
  BRUTE_FORCE: BRUTE_FORCES,
  LATERAL_MOVEMENT: LATERAL_MOVEMENTS,
  DATA_EXFILTRATION: DATA_EXFILTRATIONS,
}

/** Every program that some attack or load calls. */
export const ATTACK_TOOLS = ['nmap', 'nping', 'masscan', 'hping3', 'hydra', 'patator', 'medusa', 'ncrack', 'nc', 'socat', 'sshpass', 'scp', 'rsync', 'curl',
  'smbclient', 'rpcclient', 'iodine', 'iodined', 'dns2tcpc', 'dns2tcpd', 'dig', 'nft', 'tc', 'ping', 'redis-benchmark', 'pgbench'] as const
