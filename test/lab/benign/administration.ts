import { client, forever } from './kind.ts'
import type { Kinds } from './kind.ts'
import type { World } from '../draw-world.ts'
import type { Place } from '../place.ts'

const others = ({ random, shells }: World, pod: Place, least: number, most: number): readonly Place[] => random.sample(shells.filter((shell) => shell !== pod), random.integer(least, most))
const addresses = (places: readonly Place[]): string => places.map(({ address }) => address).join(' ')
const bastionOrAny = (world: World): Place => world.random.pick([world.pod('bastion'), world.random.pick(world.shells)])

/** People and their tools, who log in where an intruder would. */
export const ADMINISTRATION: Kinds = {
  administration: {
    service: 'ssh',
    looksLike: 'LATERAL_MOVEMENT',
    draw: (world) => {
      const { random } = world
      const pod = bastionOrAny(world)
      const command = random.pick(['uptime', 'df -h; ps ax | head -20', 'cat /etc/passwd | wc -l; ls -la /usr/bin | head -100', 'sleep 2; id', 'head -c 20000 /dev/urandom | base64'])
      return { name: 'administration', rate: null, pod, command: forever(`for a in ${addresses(others(world, pod, 1, 6))}; do ssh ${random.pick(['alice', 'ops', 'deploy'])}@$a '${command}' >/dev/null; done`, random.integer(1, 15)) }
    },
  },
  /** A bastion at a busy hour: many people, each in a session of their own, begun and left at any time. */
  bastion: {
    service: 'ssh',
    looksLike: 'BRUTE_FORCE',
    draw: (world) => {
      const { random } = world
      const pod = world.pod('bastion')
      const targets = others(world, pod, 2, 8)
      const session = (target: Place) => `(sleep ${random.magnitude(1, 80) / 10}; ${forever(`ssh ${random.pick(['alice', 'bob', 'ops', 'deploy'])}@${target.address} 'ls -la /etc; sleep ${random.magnitude(1, 60) / 10}; date' >/dev/null`, random.magnitude(3, 80) / 10)}) & `
      return { name: 'bastion', rate: null, pod, command: `${Array.from({ length: random.integer(3, 9) }, () => session(random.pick(targets))).join('')}wait` }
    },
  },
  /** As Ansible does it: a folder, a module, a run of it and the cleaning up, for each task on each host. */
  configuration: {
    service: 'ssh',
    looksLike: 'LATERAL_MOVEMENT',
    draw: (world) => {
      const { random } = world
      const pod = bastionOrAny(world)
      const task = 'ssh deploy@$a \'mkdir -p .tmp/m && echo ~\'; scp -q module deploy@$a:.tmp/m/module; ssh deploy@$a \'chmod u+x .tmp/m/module; sh .tmp/m/module; rm -rf .tmp/m\''
      const hosts = others(world, pod, 3, 9)
      const all = random.chance(0.5) ? `for a in ${addresses(hosts)}; do (${task}) >/dev/null & done; wait` : `for a in ${addresses(hosts)}; do (${task}) >/dev/null; done`
      return { name: 'configuration', rate: null, pod, command: `(echo 'id; uname -a; cat /etc/os-release; df'; head -c ${random.magnitude(2000, 120_000)} /dev/zero | tr '\\0' '#') > module; sleep ${random.integer(0, 10)}; ${forever(`for task in $(seq ${random.integer(1, 5)}); do ${all}; done`, random.integer(8, 40))}` }
    },
  },
  rollout: {
    service: 'ssh',
    looksLike: 'LATERAL_MOVEMENT',
    draw: (world) => {
      const { random } = world
      const pod = bastionOrAny(world)
      return { name: 'rollout', rate: null, pod, command: `head -c ${random.magnitude(2000, 3_000_000)} /dev/urandom > release; sleep ${random.integer(0, 12)}; ${forever(`for a in ${addresses(others(world, pod, 2, 7))}; do scp -q release deploy@$a:release; ssh deploy@$a 'sha256sum release; ls'; done`, random.integer(8, 25))}` }
    },
  },
  session: {
    service: 'ssh',
    draw: (world) => {
      const { random } = world
      const target = random.pick(world.shells)
      return { name: 'session', rate: null, pod: client(world, target), command: `(${forever('echo "ls -la; date"', random.magnitude(2, 60) / 10)}) | ssh -T ops@${target.address} >/dev/null` }
    },
  },
  /** A developer's tunnel to the database, used now and then. */
  tunnel: {
    service: 'ssh',
    looksLike: 'LATERAL_MOVEMENT',
    draw: (world) => {
      const { random } = world
      const [database, bastion] = [world.pod('database'), world.pod('bastion')]
      const pod = client(world, database, bastion)
      return { name: 'tunnel', rate: null, pod, command: `export PGPASSWORD=app-secret; ssh -N -L 127.0.0.1:15432:${database.address}:5432 alice@${bastion.address} & sleep 1.5; ${forever(`psql -q -h 127.0.0.1 -p 15432 -U app postgres -c 'select * from item limit ${random.magnitude(5, 4000)}' >/dev/null`, random.magnitude(5, 120) / 10)}` }
    },
  },
  mistyped: {
    service: 'ssh',
    looksLike: 'BRUTE_FORCE',
    draw: (world) => {
      const { random } = world
      const target = random.pick(world.shells)
      const attempt = (password: string, command: string) => `sshpass -p ${password} ssh -n -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 alice@${target.address} '${command}' >/dev/null 2>&1`
      return { name: 'mistyped', rate: null, pod: client(world, target), command: `sleep ${random.integer(1, 15)}; ${forever(`for i in $(seq ${random.integer(1, 3)}); do ${attempt('wonderl', 'true')}; sleep ${random.integer(1, 4)}; done; ${attempt('wonder1', 'ls -la; sleep 3; date')}`, random.integer(8, 30))}` }
    },
  },
}
