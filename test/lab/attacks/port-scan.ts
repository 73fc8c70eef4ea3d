import { attackerBeside } from './plan.ts'
import type { AttackPlan, Leg, Variant } from './plan.ts'
import type { World } from '../draw-world.ts'
import type { Place } from '../place.ts'

/** Ports that are looked for first, whatever the tool. */
export const COMMON = '21,22,23,25,53,80,110,111,135,139,143,443,445,993,995,1433,1723,3306,3389,5432,5900,6379,8000,8080,8443,9100,9200,27017,50051'

type Scan = Omit<AttackPlan, 'service' | 'manner'>

export function scan (options: { tool: string, attacker: Place, others?: readonly Place[], targets: readonly Place[], command: string, seconds: number, rate?: number, protocol?: Leg['protocol'] }): Scan {
  const { attacker, others = [], targets, command, tool, seconds, rate = null, protocol = 'tcp' } = options
  const attackers = [attacker, ...others]
  const legs = attackers.flatMap((pod) => targets.flatMap(({ addresses }) => addresses.map((address): Leg => ({ source: pod.address, destination: address, protocol, ports: null }))))
  return { class: 'PORT_SCAN', tool, rate, attackers, command, victims: targets.map((pod) => pod.address), legs, seconds }
}

export function drawTargets (world: World, most: number): { attacker: Place, targets: Place[] } {
  const targets = world.random.sample(world.everyone, world.random.integer(1, most))
  return { attacker: attackerBeside(world, ...targets), targets }
}

export const list = (targets: readonly Place[]) => targets.map((pod) => pod.address).join(' ')

const portRange = (world: World, count: number): string => {
  if (world.random.chance(0.25)) return COMMON
  const first = world.random.chance(0.7) ? 1 : world.random.integer(1, 20_000)
  return `${first}-${first + count}`
}

/** Everything that answers in the pods' range or the scrape targets', and the many addresses that do not. */
function sweep (world: World, tool: string, command: (range: string) => string, seconds: number, protocol: Leg['protocol'], rate: number): Scan {
  const attacker = world.random.pick(world.everyone)
  const [range, targets] = world.random.chance(0.5)
    ? [world.ranges.pods, world.everyone.filter((pod) => pod !== attacker && pod.name !== 'outside')]
    : [world.ranges.targets, [world.pod('targets')]]
  const plan = scan({ tool, attacker, targets, command: command(range), seconds, protocol, rate })
  return { ...plan, legs: [...plan.legs, { source: attacker.address, destination: range, protocol, ports: null }] }
}

/** Many ports of one to three pods. Stealth: packets that no connection begins with. */
const nmap = (name: string, kinds: readonly string[]): Variant => ({
  name,
  heldOut: false,
  service: 'any',
  draw: (world) => {
    const { random } = world
    const kind = random.pick(kinds)
    const rate = world.rate(10, 5000)
    const { attacker, targets } = drawTargets(world, 3)
    const ports = Math.max(40, Math.min(4000, rate * random.integer(2, 30)))
    return scan({ tool: `nmap -s${kind}`, attacker, targets, seconds: 45, rate, command: `nmap -n -Pn -s${kind} --max-rate ${rate} --max-retries ${random.integer(0, 2)} -p ${portRange(world, ports)} ${list(targets)}` })
  },
})

export const PORT_SCANS: readonly Variant[] = [
  nmap('nmap-syn', ['S']),
  nmap('nmap-connect', ['T']),
  nmap('nmap-stealth', ['F', 'X', 'N']),
  {
    name: 'nmap-udp',
    heldOut: false,
    service: 'any',
    draw: (world) => {
      const { attacker, targets } = drawTargets(world, 2)
      const rate = world.rate(10, 800)
      return scan({ tool: 'nmap -sU', attacker, targets, seconds: 35, rate, protocol: 'udp', command: `nmap -n -Pn -sU --max-rate ${rate} --max-retries 1 -p ${world.random.integer(1, 200)}-${world.random.integer(300, 1500)} ${list(targets)}` })
    },
  },
  {
    name: 'nmap-version',
    heldOut: false,
    service: 'any',
    draw: (world) => {
      const { attacker, targets } = drawTargets(world, 4)
      const rate = world.rate(50, 2000)
      return scan({ tool: 'nmap -sV', attacker, targets, seconds: 40, rate, command: `nmap -n -Pn -sV --version-light --max-rate ${rate} -p ${COMMON} ${list(targets)}` })
    },
  },
  {
    name: 'nmap-sweep',
    heldOut: false,
    service: 'any',
    draw: (world) => {
      const ports = world.random.pick(['22', '80', '5432,6379', '22,80,443', '9100', '445'])
      const rate = world.rate(10, 3000)
      return sweep(world, 'nmap sweep', (range) => `nmap -n -Pn -sS --max-rate ${rate} --max-retries 0 -p ${ports} ${range}`, 40, 'tcp', rate)
    },
  },
  {
    name: 'nmap-ping-sweep',
    heldOut: false,
    service: 'any',
    draw: (world) => {
      const rate = world.rate(10, 500)
      return world.random.chance(0.5)
        ? sweep(world, 'nmap -sn -PE', (range) => `nmap -n -sn -PE --max-rate ${rate} ${range}`, 40, 'icmp', rate)
        : sweep(world, 'nmap -sn -PS', (range) => `nmap -n -sn -PS22,80,443 --max-rate ${rate} ${range}`, 40, 'tcp', rate)
    },
  },
  {
    name: 'nc',
    heldOut: false,
    service: 'any',
    draw: (world) => {
      const { attacker, targets } = drawTargets(world, 2)
      const first = world.random.integer(1, 3000)
      return scan({ tool: 'nc -z', attacker, targets, seconds: 30, command: targets.map((pod) => `nc -z -n -w 1 ${pod.address} ${first}-${first + world.random.magnitude(60, 2500)} 2>/dev/null`).join('; ') })
    },
  },
  {
    name: 'shell-loop',
    heldOut: true,
    service: 'any',
    draw: (world) => {
      const { attacker, targets } = drawTargets(world, 2)
      const loop = (address: string) => `for p in $(seq 20 ${world.random.magnitude(100, 1500)}); do (timeout 1 bash -c "</dev/tcp/${address}/$p") 2>/dev/null & sleep 0.0${world.random.integer(1, 9)}; done; wait`
      return scan({ tool: 'bash /dev/tcp', attacker, targets, seconds: 40, command: targets.map((pod) => loop(pod.address)).join('; ') })
    },
  },
  {
    name: 'hping3-scan',
    heldOut: true,
    service: 'any',
    draw: (world) => {
      const { attacker, targets } = drawTargets(world, 1)
      return scan({ tool: 'hping3 --scan', attacker, targets, seconds: 15, command: `hping3 --scan 1-${world.random.magnitude(100, 3000)} -S ${list(targets)}` })
    },
  },
  {
    name: 'masscan',
    heldOut: true,
    service: 'any',
    draw: (world) => {
      const { attacker, targets } = drawTargets(world, 2)
      const { random } = world
      const rate = world.rate(50, 2500)
      const command = `mac=$(ip neighbour show 169.254.1.1 | grep -o '[0-9a-f:]\\{17\\}'); masscan -e eth0 --router-mac $mac --source-ip ${attacker.address} -p1-${random.magnitude(200, 5000)} --rate ${rate} --wait 1 ${list(targets)}`
      return scan({ tool: 'masscan', attacker, targets, seconds: 20, rate, command })
    },
  },
]
