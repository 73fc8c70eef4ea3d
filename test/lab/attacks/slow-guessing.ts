import { LOGINS, TRIES, guess, loop } from './brute-force.ts'
import { attackerBeside, attackersBeside, passwordFile } from './plan.ts'
import type { Variant } from './plan.ts'

const AS_LONG_AS_IT_MAY = 3600
/** Tried at whoever may exist. */
const PEOPLE = ['alice', 'bob', 'ops', 'deploy', 'root', 'admin', 'postgres', 'backup']

/** Guessing that stays under every limit a minute: slow, spread over accounts and hosts, or over sources. */
export const SLOW_GUESSES: readonly Variant[] = [
  {
    name: 'ssh a minute',
    heldOut: false,
    manner: 'slow',
    service: 'ssh',
    draw: (world) => {
      const victim = world.random.pick(world.shells)
      const attacker = attackerBeside(world, victim)
      const gap = world.random.magnitude(4, 60)
      return guess('ssh a minute', [attacker], [victim], 22, loop(passwordFile(world, attacker, 400), TRIES.ssh(victim.address), gap), AS_LONG_AS_IT_MAY, 1 / gap)
    },
  },
  {
    name: 'web a minute',
    heldOut: true,
    manner: 'slow',
    service: 'http',
    draw: (world) => {
      const victim = world.random.pick(world.apps)
      const attacker = attackerBeside(world, victim)
      const gap = world.random.magnitude(2, 40)
      const port = LOGINS.web.port(world)
      return guess('web a minute', [attacker], [victim], port, loop(passwordFile(world, attacker, 800), TRIES.web(victim.address, port), gap), AS_LONG_AS_IT_MAY, 1 / gap)
    },
  },
  {
    name: 'postgres slow',
    heldOut: false,
    manner: 'slow',
    service: 'postgres',
    draw: (world) => {
      const victim = world.pod('database')
      const attacker = attackerBeside(world, victim)
      const gap = world.random.magnitude(2, 40)
      return guess('postgres slow', [attacker], [victim], 5432, loop(passwordFile(world, attacker, 800), TRIES.postgres(victim.address), gap), AS_LONG_AS_IT_MAY, 1 / gap)
    },
  },
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
