import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findTool } from '../setup/tools.ts'
import { writeAccounts, writeHomes } from './accounts.ts'
import { Capture } from './capture.ts'
import { Pod } from './pod.ts'

export interface PodSpec {
  name: string
  address: string
  /** Further addresses of the same pod: fifty scrape targets, a virtual address, one of IPv6. */
  alsoAt?: readonly string[]
}

export interface LabOptions {
  pods: readonly PodSpec[]
  /** With offloads, frames of up to 65 kB cross the gateway, as on a node whose pods use them. Default false. */
  offloads?: boolean
  /** Default 1500. */
  mtu?: number
  /** The pod that answers names; none by default. */
  nameServer?: string
}

/** Every pod's way out, as under Calico: one address that exists nowhere, reached over the pod's own cable. */
const ROUTER = '169.254.1.1'
const ROUTER_6 = 'fe80::1'
const PREFIX = 'autoshield-lab-'

/** Lines that say what this machine lacks for a laboratory; none: it can start. */
export function missingForLab (tools: readonly string[] = []): string[] {
  if (process.platform !== 'linux') return ['a laboratory of network namespaces needs Linux']
  const lines = ['ip', 'nsenter', 'unshare', 'setpriv', 'ethtool', 'tcpdump', 'openssl', 'ssh-keygen', ...tools]
    .flatMap((name) => findTool(name).missing ?? [])
  if (process.getuid?.() !== 0) lines.unshift('a laboratory of network namespaces needs root')
  return [...new Set(lines)]
}

/**
 * Pods on one routed network that leads nowhere else. Each pod is a /32 behind its own cable to a gateway that routes between
 * them and silently drops everything else. Nothing of it has a name outside of its own processes, so laboratories run side by side.
 */
export class Lab implements AsyncDisposable {
  readonly folder: string
  readonly gateway: Pod
  readonly pods: readonly Pod[]

  private constructor (folder: string, gateway: Pod, pods: readonly Pod[]) {
    this.folder = folder
    this.gateway = gateway
    this.pods = pods
  }

  static async start (options: LabOptions): Promise<Lab> {
    const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
    chmodSync(folder, 0o755) // servers inside run as users of their own
    writeFileSync(join(folder, 'owner'), `${process.pid} ${startTime(process.pid) ?? ''}`)
    writeAccounts(folder)
    const make = (name: string, addresses: readonly string[]) => {
      const podFolder = join(folder, 'pods', name)
      mkdirSync(podFolder, { recursive: true })
      writeHomes(folder, podFolder)
      const nameServer = options.pods.find((pod) => pod.name === options.nameServer)
      writeFileSync(join(podFolder, 'resolv.conf'), nameServer ? `nameserver ${nameServer.address}\noptions timeout:1 attempts:2\n` : '')
      return new Pod({ name, addresses, folder: podFolder, home: join(folder, 'people', 'root'), init: initScript(folder, podFolder, name) })
    }
    const lab = new Lab(folder, make('gateway', []), options.pods.map(({ name, address, alsoAt = [] }) => make(name, [address, ...alsoAt])))
    try {
      await Promise.all([lab.gateway, ...lab.pods].map((pod) => pod.ready()))
      await lab.#connect(options)
      return lab
    } catch (error) {
      await lab[Symbol.asyncDispose]()
      throw error
    }
  }

  pod (name: string): Pod {
    const pod = this.pods.find((candidate) => candidate.name === name)
    if (!pod) throw new Error(`no pod '${name}' in this laboratory; there are: ${this.pods.map((each) => each.name).join(', ')}`)
    return pod
  }

  /** Records every packet between pods once, as it enters the gateway, into `file` (.pcap, Linux cooked v2). Resolves when it listens. */
  async capture (file: string, options: { snapBytes?: number } = {}): Promise<Capture> {
    return await Capture.start(this.gateway, file, options.snapBytes ?? 96)
  }

  async #connect (options: LabOptions): Promise<void> {
    const { offloads = false, mtu = 1500 } = options
    const features = ['tso', 'gso', 'gro', 'tx', 'rx', 'sg'].map((name) => `${name} off`).join(' ')
    await this.gateway.must(`${families(this.pods.some(speaksIpv6))}; sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
      ip link set lo up; ip address add ${ROUTER}/32 dev lo; ip route add blackhole default`)
    const cables = this.pods.map((pod, index) => `ip link add cable${index} type veth peer name eth0 netns ${pod.pid}`)
    const made = await this.gateway.spawnInNetwork(['bash', '-ec', cables.join('\n')]).done
    if (made.code !== 0) throw new Error(`the pods could not be cabled: ${made.stderr}`)
    await Promise.all(this.pods.map(async (pod, index) => {
      const cable = `cable${index}`
      const macs = await this.gateway.must(`ip -o link show ${cable} | grep -o 'link/ether [0-9a-f:]*' | cut -d' ' -f2`)
      const own = await pod.must(`${families(speaksIpv6(pod))}; sysctl -qw net.ipv4.ping_group_range='0 2147483647'
        ip link set lo up; ip link set eth0 mtu ${mtu} up
        ${pod.addresses.map((address) => `ip address add ${hostRoute(address)} dev eth0 ${isIPv6(address) ? 'nodad' : ''}`).join('; ')}
        ip neighbour replace ${ROUTER} lladdr ${macs.trim()} dev eth0 nud permanent
        ip route add ${ROUTER} dev eth0 scope link; ip route add default via ${ROUTER} src ${pod.address}
        ${speaksIpv6(pod) ? `ip neighbour replace ${ROUTER_6} lladdr ${macs.trim()} dev eth0 nud permanent; ip route add default via ${ROUTER_6} dev eth0` : ''}
        ${offloads ? '' : `ethtool -K eth0 ${features} >/dev/null 2>&1`}
        ip -o link show eth0 | grep -o 'link/ether [0-9a-f:]*' | cut -d' ' -f2`)
      await this.gateway.must(`ip link set ${cable} mtu ${mtu} up
        ${offloads ? '' : `ethtool -K ${cable} ${features} >/dev/null 2>&1`}
        ${pod.addresses.map((address) => `ip neighbour replace ${address} lladdr ${own.trim()} dev ${cable} nud permanent; ip route add ${hostRoute(address)} dev ${cable}`).join('\n')}`)
    }))
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await Promise.all([...this.pods, this.gateway].map((pod) => pod.end()))
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

const hostRoute = (address: string): string => `${address}/${isIPv6(address) ? 128 : 32}`
const speaksIpv6 = ({ addresses }: Pod): boolean => addresses.some((address) => isIPv6(address))

/** Where IPv6 is not asked for there is none; where it is, nothing is sent but what somebody sends. */
const families = (ipv6: boolean): string => ipv6
  ? 'sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.addr_gen_mode=1 net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.default.accept_ra=0'
  : 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1'

/** What a pod's first process does: its own /run, accounts, resolver and homes, then it reaps whatever is orphaned to it. */
function initScript (labFolder: string, podFolder: string, name: string): string {
  return `set -e
    hostname ${name}
    mount -t tmpfs tmpfs /run
    mkdir -p /run/sshd /run/samba /run/vsftpd/empty "$(dirname "$(readlink -m /etc/resolv.conf)")"
    touch "$(readlink -m /etc/resolv.conf)"
    mount --bind ${podFolder}/resolv.conf /etc/resolv.conf
    for file in passwd shadow group; do mount --bind ${labFolder}/etc/$file /etc/$file; done
    mkdir -p ${labFolder}/people && mount --bind ${podFolder}/people ${labFolder}/people
    mount -t sysfs sysfs /sys 2>/dev/null || true
    echo pod is ready
    trap : TERM INT HUP
    while :; do sleep 3600 & wait $!; done`
}

/** When the process started, in ticks since boot: a process number alone may have been given to another one since. */
function startTime (pid: number): string | null {
  const fields = readIfThere(`/proc/${pid}/stat`)?.split(') ')[1]?.split(' ')
  // A zombie is dead, whoever has yet to take note of it.
  return fields === undefined || fields[0] === 'Z' ? null : fields[19] ?? null
}

function readIfThere (file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

/** Removes the files of laboratories whose process is gone, or is this one (their namespaces go with it). Returns the folders removed. */
export function removeFiles (whose: 'own' | 'abandoned'): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX)).flatMap((name) => {
    const folder = join(tmpdir(), name)
    const owner = readIfThere(join(folder, 'owner'))
    if (owner === null) return [] // being made or removed by another process at this moment
    const [pid, started] = owner.split(' ')
    const alive = startTime(Number(pid)) === started
    if (whose === 'own' ? Number(pid) !== process.pid : alive) return []
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    return [folder]
  })
}
