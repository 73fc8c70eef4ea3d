import { attackersBeside } from './plan.ts'
import type { Variant } from './plan.ts'
import { drawPort, flood, victims } from './syn-flood.ts'

/** Floods of less than fifty packets a second, enough for a small backlog. */
export const WEAK_FLOODS: readonly Variant[] = [
  {
    name: 'hping3-weak',
    heldOut: false,
    manner: 'slow',
    service: 'any',
    draw: (world) => {
      const { random } = world
      const victim = random.pick(victims(world))
      const port = drawPort(world, victim)
      const rate = random.magnitude(8, 49)
      const [seconds, spoofed] = [random.integer(20, 120), random.chance(0.6)]
      return flood({ tool: `hping3 weak${spoofed ? ' --rand-source' : ''}`, attackers: attackersBeside(world, 1, victim), victim, port, spoofed, rate, seconds, command: `hping3 -q -S -p ${port} -i u${Math.round(1e6 / rate)} -c ${rate * seconds} ${spoofed ? '--rand-source' : ''} ${victim.address}` })
    },
  },
]
