import { attackerBeside } from './plan.ts'
import type { AttackPlan, Variant } from './plan.ts'
import type { Pod } from '../pod.ts'
import type { World } from '../world.ts'
import { SERVERS } from '../servers/servers.ts'

/** A port of the pod that somebody serves, or, now and then, one that nobody does. */
function drawPort (world: World, victim: Pod): number {
  const served: Readonly<Record<string, readonly number[]>> = { web: SERVERS.web.ports, database: SERVERS.database.ports, cache: SERVERS.cache.ports, files: [21, 22, 445], outside: [8000, 22], shop: [8000, 50051], orders: [8000, 50051] }
  return world.random.chance(0.15) ? world.random.integer(1000, 14_000) : world.random.pick(served[victim.name] ?? [22])
}

const victims = (world: World) => world.everyone.filter((pod) => pod.name !== 'names')

/** The kernel answers an unexpected SYN-ACK with RST, which closes what a half-open flood wants open. */
const withoutResets = (victim: Pod) => `nft -f - <<'END'
table ip lab_resets {
  chain output {
    type filter hook output priority 0
    ip daddr ${victim.address} tcp flags & rst == rst drop
  }
}
END
`
const withResets = 'nft delete table ip lab_resets'

function flood (options: { tool: string, attackers: Pod[], victim: Pod, port: number, command: string, spoofed: boolean, seconds: number }): AttackPlan {
  const { tool, attackers, victim, port, command, spoofed, seconds } = options
  const sources = spoofed ? [null] : attackers.map((pod) => pod.address)
  return {
    class: 'SYN_FLOOD',
    tool,
    attackers,
    victims: [victim.address],
    seconds,
    command: spoofed ? command : withoutResets(victim) + command,
    ...(spoofed ? {} : { cleanup: withResets }),
    legs: sources.map((source) => ({ source, destination: victim.address, protocol: 'tcp', ports: [port] })),
  }
}

function hping (world: World, spoofed: boolean, attackerCount: number): AttackPlan {
  const { random } = world
  const victim = random.pick(victims(world))
  const attackers = random.sample(world.everyone.filter((pod) => pod !== victim), attackerCount)
  const port = drawPort(world, victim)
  const rate = random.magnitude(50, 5000) / attackerCount
  const seconds = random.integer(3, 35)
  const command = `hping3 -q -S -p ${port} -i u${Math.round(1e6 / rate)} -c ${Math.ceil(rate * seconds)} ${spoofed ? '--rand-source' : ''} ${victim.address}`
  return flood({ tool: `hping3${spoofed ? ' --rand-source' : ''}`, attackers, victim, port, command, spoofed, seconds: seconds + 1 })
}

export const SYN_FLOODS: readonly Variant[] = [
  { name: 'hping3-spoofed', heldOut: false, draw: (world) => hping(world, true, 1) },
  { name: 'hping3', heldOut: false, draw: (world) => hping(world, false, 1) },
  { name: 'hping3-many', heldOut: false, draw: (world) => hping(world, world.random.chance(0.3), world.random.integer(2, 4)) },
  {
    name: 'nping',
    heldOut: true,
    draw: (world) => {
      const { random } = world
      const victim = random.pick(victims(world))
      const port = drawPort(world, victim)
      const rate = random.magnitude(100, 3000)
      const seconds = random.integer(4, 25)
      return flood({ tool: 'nping', attackers: [attackerBeside(world, victim)], victim, port, spoofed: false, seconds: seconds + 1, command: `nping --tcp --flags syn -q -H -N --rate ${rate} -c ${rate * seconds} -p ${port} ${victim.address}` })
    },
  },
  {
    name: 'nping-forged',
    heldOut: true,
    draw: (world) => {
      const { random } = world
      const victim = random.pick(victims(world))
      const port = drawPort(world, victim)
      const rate = random.magnitude(100, 2000)
      const seconds = random.integer(4, 20)
      const forged = `198.18.${random.integer(0, 255)}.${random.integer(1, 250)}`
      const plan = flood({ tool: 'nping forged', attackers: [attackerBeside(world, victim)], victim, port, spoofed: true, seconds: seconds + 1, command: `nping --tcp --flags syn -q -H -N -S ${forged} -e eth0 --source-port rand --rate ${rate} -c ${rate * seconds} -p ${port} ${victim.address}` })
      return plan
    },
  },
]
