import { LOGINS, TRIES, guess, loop } from './brute-force.ts'
import { attackerBeside, attackersBeside, passwordFile } from './plan.ts'
import type { Variant } from './plan.ts'
import type { World } from '../draw-world.ts'
import type { Place } from '../place.ts'

const AS_LONG_AS_IT_MAY = 3600
/** Tried at whoever may exist. */
const PEOPLE = ['alice', 'bob', 'ops', 'deploy', 'root', 'admin', 'postgres', 'backup']

/** One attacker at one login, a word every `gap` seconds (drawn from that range) and again from the first when all `words` are used. */
function patient (name: string, { heldOut, service, gap: [least, most], words }: { heldOut: boolean, service: string, gap: readonly [number, number], words: number }, at: (world: World) => { victim: Place, port: number, tries: string }): Variant {
  return {
    name,
    heldOut,
    manner: 'slow',
    service,
    draw: (world) => {
      const { victim, port, tries } = at(world)
      const attacker = attackerBeside(world, victim)
      const gap = world.random.magnitude(least, most)
      return guess(name, [attacker], [victim], port, loop(passwordFile(world, attacker, words), tries, gap), AS_LONG_AS_IT_MAY, 1 / gap)
    },
  }
}

/** Guessing that stays under every limit a minute: slow, spread over accounts and hosts, or over sources. */
export const SLOW_GUESSES: readonly Variant[] = [
  patient('ssh a minute', { heldOut: false, service: 'ssh', gap: [4, 60], words: 400 }, ({ random, shells }) => {
    const victim = random.pick(shells)
    return { victim, port: 22, tries: TRIES.ssh(victim.address) }
  }),
  patient('web a minute', { heldOut: true, service: 'http', gap: [2, 40], words: 800 }, (world) => {
    const victim = world.random.pick(world.apps)
    const port = LOGINS.web.port(world)
    return { victim, port, tries: TRIES.web(victim.address, port) }
  }),
  patient('postgres slow', { heldOut: false, service: 'postgres', gap: [2, 40], words: 800 }, (world) => {
    const victim = world.pod('database')
    return { victim, port: 5432, tries: TRIES.postgres(victim.address) }
  }),
  {
    // One password at every account of every host, then the next one.
    name: 'ssh spray',
    heldOut: false,
    manner: 'evasive',
    service: 'ssh',
    draw: (world) => {
      const { random } = world
      const victims = random.sample(world.shells, random.integer(3, 8))
      const attacker = attackerBeside(world, ...victims)
      const gap = random.magnitude(1, 80) / 10
      const people = random.sample(PEOPLE, random.integer(2, 6)).join(' ')
      const body = `for a in ${victims.map(({ address }) => address).join(' ')}; do for u in ${people}; do ${TRIES.ssh('$a', '$u')}; sleep ${gap}; done; done`
      return guess('ssh spray', [attacker], victims, 22, loop(passwordFile(world, attacker, 30), body, 0), AS_LONG_AS_IT_MAY, 1 / gap)
    },
  },
  {
    name: 'web spray',
    heldOut: false,
    manner: 'evasive',
    service: 'http',
    draw: (world) => {
      const { random } = world
      const attacker = attackerBeside(world, ...world.apps)
      const gap = random.magnitude(1, 40) / 10
      const port = LOGINS.web.port(world)
      const body = `for a in ${world.apps.map(({ address }) => address).join(' ')}; do for u in ${PEOPLE.join(' ')}; do ${TRIES.web('$a', port, '$u')}; sleep ${gap}; done; done`
      return guess('web spray', [attacker], world.apps, port, loop(passwordFile(world, attacker, 40), body, 0), AS_LONG_AS_IT_MAY, 1 / gap)
    },
  },
  {
    name: 'ssh from many',
    heldOut: false,
    manner: 'evasive',
    service: 'ssh',
    draw: (world) => {
      const { random } = world
      const victim = random.pick(world.shells)
      const attackers = attackersBeside(world, random.integer(3, 6), victim)
      const gap = random.magnitude(5, 120) / 10
      const words = `for i in $(seq 300); do word=guess$SHARE$i; ${TRIES.ssh(victim.address)}; sleep ${gap}; done`
      return guess('ssh from many', attackers, [victim], 22, words, AS_LONG_AS_IT_MAY, attackers.length / gap)
    },
  },
]
