import { join } from 'node:path'
import { APP_PORT, METRICS_PORT, STREAM_PORT } from './world.ts'
import type { World } from './world.ts'
import type { Pod } from './pod.ts'
import type { Job } from './clients/workload.ts'
import { CACHE_PASSWORD, DATABASE_PASSWORD } from './servers/servers.ts'
import { program } from '../setup/tools.ts'

/** Ordinary work of one pod: jobs of the small client, or a shell command that runs (and is ended) with the load. */
export type Load = { name: string, pod: Pod } & ({ job: Job } | { command: string })

type Draw = (world: World) => Load | Load[]

const forever = (body: string, seconds: string | number) => `while :; do ${body}; sleep ${seconds}; done`
const pages = (host: string) => Array.from({ length: 40 }, (_, i) => `http://${host}/page${i + 1}.html`)

/** A client that is not the server itself. */
const client = (world: World, server: Pod): Pod => world.random.pick(world.everyone.filter((pod) => pod !== server && pod.name !== 'names'))

/** Each entry draws one piece of ordinary traffic; a run draws a handful of them. */
export const BENIGN: Readonly<Record<string, Draw>> = {
  pages: (world) => {
    const { random } = world
    const web = world.pod('web')
    return { name: 'pages', pod: client(world, web), job: { kind: 'http', urls: pages(web.address), rate: random.magnitude(1, 120), keepAlive: random.chance(0.6) } }
  },
  crawler: (world) => {
    const web = world.pod('web')
    return { name: 'crawler', pod: client(world, web), job: { kind: 'http', urls: pages(web.address), rate: world.random.magnitude(20, 250), keepAlive: world.random.chance(0.4) } }
  },
  api: (world) => {
    const { random } = world
    const app = random.pick(world.apps)
    return { name: 'api', pod: client(world, app), job: { kind: 'http', urls: [`http://${app.address}:${APP_PORT}/page/1`, `http://${app.address}:${APP_PORT}/bytes/${random.magnitude(50, 60_000)}`], rate: random.magnitude(1, 150), keepAlive: random.chance(0.6) } }
  },
  uploads: (world) => {
    const { random } = world
    const app = random.pick(world.apps)
    return { name: 'uploads', pod: client(world, app), job: { kind: 'http', urls: [`http://${app.address}:${APP_PORT}/upload`], rate: random.magnitude(1, 30) / 2, keepAlive: random.chance(0.5), bodyBytes: random.magnitude(500, 400_000) } }
  },
  failing: (world) => {
    const { random } = world
    const app = random.pick(world.apps)
    return { name: 'failing', pod: client(world, app), job: { kind: 'http', urls: [`http://${app.address}:${APP_PORT}/fail`], rate: random.magnitude(1, 40), keepAlive: random.chance(0.3) } }
  },
  scrape: (world) => {
    const { random } = world
    const addresses = random.sample(world.pod('targets').addresses, random.integer(5, 50))
    return { name: 'scrape', pod: random.pick([world.pod('monitor'), client(world, world.pod('targets'))]), job: { kind: 'scrape', urls: addresses.map((address) => `http://${address}:${METRICS_PORT}/metrics?n=${random.integer(20, 800)}`), intervalMs: random.pick([2000, 5000, 10_000, 15_000]), burst: random.chance(0.5), keepAlive: random.chance(0.6) } }
  },
  health: (world) => {
    const { random } = world
    const targets = [{ host: world.pod('web').address, port: 80 }, { host: world.pod('database').address, port: 5432 }, { host: world.pod('cache').address, port: 6379 }, ...world.apps.map((pod) => ({ host: pod.address, port: APP_PORT }))]
    return { name: 'health', pod: random.pick(world.everyone), job: { kind: 'probe', targets: random.sample(targets, random.integer(1, targets.length)), everyMs: random.pick([500, 1000, 5000, 10_000]), backoff: 1, timeoutMs: 1000 } }
  },
  portChecks: (world) => {
    const { random } = world
    const targets = world.everyone.flatMap((pod) => [22, 80, 443, 5432].map((port) => ({ host: pod.address, port })))
    return { name: 'portChecks', pod: random.pick([world.pod('monitor'), random.pick(world.everyone)]), job: { kind: 'probe', targets: random.sample(targets, random.integer(3, 10)), everyMs: random.pick([5000, 10_000, 15_000]), backoff: 1, timeoutMs: 1000 } }
  },
  deadPort: (world) => {
    const { random } = world
    const target = random.pick(world.everyone)
    return { name: 'deadPort', pod: client(world, target), job: { kind: 'probe', targets: [{ host: target.address, port: random.pick([9999, 8081, 3000, 5433, 26379]) }], everyMs: random.magnitude(40, 2000), backoff: random.pick([1, 1, 1.5, 2]), timeoutMs: random.pick([500, 1000, 3000]) } }
  },
  blackHole: (world) => {
    const { random } = world
    return { name: 'blackHole', pod: random.pick(world.everyone), job: { kind: 'probe', targets: Array.from({ length: random.integer(1, 3) }, () => ({ host: world.nowhere(), port: random.pick([80, 443, 5432, 8080, 9093]) })), everyMs: random.magnitude(200, 5000), backoff: random.pick([1, 1.5]), timeoutMs: random.pick([800, 2000, 5000]) } }
  },
  redis: (world) => {
    const { random } = world
    const cache = world.pod('cache')
    return { name: 'redis', pod: client(world, cache), job: { kind: 'redis', host: cache.address, password: CACHE_PASSWORD, connections: random.integer(1, 10), rate: random.magnitude(5, 600), valueBytes: random.magnitude(10, 6000) } }
  },
  redisBench: (world) => {
    const { random } = world
    const cache = world.pod('cache')
    return { name: 'redisBench', pod: client(world, cache), command: forever(`redis-benchmark -h ${cache.address} -a ${CACHE_PASSWORD} -c ${random.integer(1, 8)} -n ${random.magnitude(20, 1500)} -t get,set -q`, random.integer(1, 5)) }
  },
  redisBurst: (world) => {
    const { random } = world
    const cache = world.pod('cache')
    return { name: 'redisBurst', pod: client(world, cache), command: forever(`redis-benchmark -h ${cache.address} -a ${CACHE_PASSWORD} -c ${random.integer(5, 30)} -n ${random.magnitude(2000, 15_000)} -t get,set -q`, random.integer(8, 25)) }
  },
  shortConnections: (world) => {
    const { random } = world
    const cache = world.pod('cache')
    return { name: 'shortConnections', pod: client(world, cache), command: forever(`redis-benchmark -h ${cache.address} -a ${CACHE_PASSWORD} -k 0 -c ${random.integer(1, 20)} -n ${random.magnitude(200, 4000)} -t get -q`, random.integer(3, 15)) }
  },
  mistyped: (world) => {
    const { random } = world
    const target = random.pick(world.shells)
    const attempt = (password: string, command: string) => `sshpass -p ${password} ssh -n -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 alice@${target.address} '${command}' >/dev/null 2>&1`
    return { name: 'mistyped', pod: client(world, target), command: `sleep ${random.integer(1, 15)}; ${forever(`for i in $(seq ${random.integer(1, 3)}); do ${attempt('wonderl', 'true')}; sleep ${random.integer(1, 4)}; done; ${attempt('wonder1', 'ls -la; sleep 3; date')}`, random.integer(8, 30))}` }
  },
  pgbench: (world) => {
    const { random } = world
    const database = world.pod('database')
    const script = 'select name, price from item where id = (random() * 19999)::int;'
    return { name: 'pgbench', pod: client(world, database), command: `export PGPASSWORD=app-secret; echo '${script}' > item.sql; ${program('pgbench')} -n -h ${database.address} -U app -f item.sql -c ${random.integer(1, 8)} -R ${random.magnitude(2, 300)} -T 600 ${random.chance(0.3) ? '-C' : ''} postgres` }
  },
  reports: (world) => {
    const { random } = world
    const database = world.pod('database')
    return { name: 'reports', pod: client(world, database), command: `export PGPASSWORD=app-secret; ${forever(`psql -q -h ${database.address} -U app postgres -c 'select * from item limit ${random.magnitude(1, 20_000)}' >/dev/null`, random.magnitude(2, 50) / 10)}` }
  },
  databaseWrongPassword: (world) => {
    const database = world.pod('database')
    return { name: 'databaseWrongPassword', pod: client(world, database), command: `export PGPASSWORD=outdated; ${forever(`psql -q -h ${database.address} -U app postgres -c 'select 1' >/dev/null 2>&1`, world.random.integer(4, 20))}` }
  },
  databaseDump: (world) => {
    const { random } = world
    const database = world.pod('database')
    const pod = client(world, database)
    return { name: 'databaseDump', pod, command: `export PGPASSWORD=${DATABASE_PASSWORD}; sleep ${random.integer(1, 25)}; ${forever(`pg_dump -h ${database.address} -U postgres postgres > dump.sql`, 20)}` }
  },
  download: (world) => {
    const { random } = world
    const web = world.pod('web')
    return { name: 'download', pod: client(world, web), command: `sleep ${random.integer(0, 20)}; ${forever(`curl -s -m 60 ${random.chance(0.8) ? `--limit-rate ${random.magnitude(100, 4000)}k` : ''} -r 0-${random.magnitude(500_000, 20_000_000)} -o /dev/null http${random.chance(0.4) ? 's' : ''}://${web.address}/big.bin -k`, random.integer(3, 20))}` }
  },
  packages: (world) => {
    const { random } = world
    const web = world.pod('web')
    return { name: 'packages', pod: client(world, web), command: `sleep ${random.integer(0, 15)}; ${forever(`for i in $(seq 1 ${random.integer(5, 40)}); do curl -s -o /dev/null http://${web.address}/packages/$i.tgz; done`, random.integer(10, 30))}` }
  },
  tlsCalls: (world) => {
    const web = world.pod('web')
    return { name: 'tlsCalls', pod: client(world, web), command: forever(`curl -sk -o /dev/null https://${web.address}/page${world.random.integer(1, 40)}.html`, world.random.magnitude(1, 30) / 10) }
  },
  backup: (world) => {
    const { random } = world
    const target = random.pick([world.pod('files'), world.pod('outside')])
    const pod = client(world, target)
    const size = random.magnitude(200_000, 15_000_000)
    const copy = random.pick([
      `scp -q ${random.chance(0.4) ? `-l ${random.magnitude(2000, 60_000)}` : ''} backup.bin alice@${target.address}:b-${pod.name}`,
      `rsync -q ${random.chance(0.5) ? `--bwlimit=${random.magnitude(200, 8000)}` : ''} backup.bin alice@${target.address}:r-${pod.name}`,
      `curl -s -T backup.bin ftp://bob:letmein@${target.address}/f-${pod.name}`,
    ])
    return { name: 'backup', pod, command: `sleep ${random.integer(0, 20)}; ${forever(`head -c ${size} /dev/urandom > backup.bin; ${copy}`, random.integer(5, 25))}` }
  },
  ftp: (world) => {
    const { random } = world
    const files = world.pod('files')
    return { name: 'ftp', pod: client(world, files), command: `head -c ${random.magnitude(1000, 600_000)} /dev/urandom > o.bin; ${forever(`curl -s -T o.bin ftp://alice:wonder1@${files.address}/o-$RANDOM; curl -s ftp://alice:wonder1@${files.address}/ | head -50 | awk '{print $9}' | head -4 | while read f; do curl -s -o /dev/null ftp://alice:wonder1@${files.address}/$f; done`, random.integer(1, 10))}` }
  },
  administration: (world) => {
    const { random } = world
    const pod = random.pick([world.pod('bastion'), random.pick(world.shells)])
    const targets = random.sample(world.shells.filter((shell) => shell !== pod), random.integer(1, 6))
    const command = random.pick(['uptime', 'df -h; ps ax | head -20', 'cat /etc/passwd | wc -l; ls -la /usr/bin | head -100', 'sleep 2; id', 'head -c 20000 /dev/urandom | base64'])
    return { name: 'administration', pod, command: forever(`for a in ${targets.map((target) => target.address).join(' ')}; do ssh ${random.pick(['alice', 'ops', 'deploy'])}@$a '${command}' >/dev/null; done`, random.integer(1, 15)) }
  },
  rollout: (world) => {
    const { random } = world
    const pod = random.pick([world.pod('bastion'), random.pick(world.shells)])
    const targets = random.sample(world.shells.filter((shell) => shell !== pod), random.integer(2, 7))
    return { name: 'rollout', pod, command: `head -c ${random.magnitude(2000, 3_000_000)} /dev/urandom > release; sleep ${random.integer(0, 12)}; ${forever(`for a in ${targets.map((target) => target.address).join(' ')}; do scp -q release deploy@$a:release; ssh deploy@$a 'sha256sum release; ls'; done`, random.integer(8, 25))}` }
  },
  session: (world) => {
    const { random } = world
    const target = random.pick(world.shells)
    const pod = client(world, target)
    return { name: 'session', pod, command: `(while :; do echo "ls -la; date"; sleep ${random.magnitude(2, 60) / 10}; done) | ssh -T ops@${target.address} >/dev/null` }
  },
  shares: (world) => {
    const { random } = world
    const files = world.pod('files')
    return { name: 'shares', pod: client(world, files), command: forever(`smbclient //${files.address}/data -U alice%wonder1 -c 'ls; get report${random.integer(1, 8)}.bin s.bin; put s.bin s-${random.integer(1, 99)}.bin' >/dev/null 2>&1`, random.integer(1, 12)) }
  },
  streams: (world) => {
    const { random } = world
    const app = random.pick(world.apps)
    return { name: 'streams', pod: client(world, app), job: { kind: 'stream', authority: `http://${app.address}:${STREAM_PORT}`, streams: random.integer(1, 20), rate: random.magnitude(2, 300), requestBytes: random.magnitude(20, 3000), responseBytes: random.magnitude(20, 8000) } }
  },
  rpc: (world) => {
    const { random } = world
    const app = random.pick(world.apps)
    const largest = random.magnitude(100, 20_000)
    return { name: 'rpc', pod: client(world, app), job: { kind: 'rpc', host: app.address, port: random.pick(world.settings.tcpPorts), connections: random.integer(1, 30), rate: random.magnitude(1, 300), requestBytes: [10, random.magnitude(20, 4000)], responseBytes: [10, largest], requestsPerConnection: random.pick([1, 1, 3, 20, 1000, 100_000]) } }
  },
  bulkRpc: (world) => {
    const { random } = world
    const app = random.pick(world.apps)
    const upstream = random.chance(0.5)
    const large: [number, number] = [1000, random.magnitude(20_000, 1_500_000)]
    return { name: 'bulkRpc', pod: client(world, app), job: { kind: 'rpc', host: app.address, port: random.pick(world.settings.tcpPorts), connections: random.integer(1, 4), rate: random.magnitude(1, 12), requestBytes: upstream ? large : [20, 200], responseBytes: upstream ? [20, 200] : large, requestsPerConnection: random.pick([1, 30, 1000]) } }
  },
  idle: (world) => {
    const { random } = world
    const app = random.pick(world.apps)
    return { name: 'idle', pod: client(world, app), job: { kind: 'idle', host: app.address, port: random.pick(world.settings.tcpPorts), connections: random.integer(1, 40), everyMs: random.pick([1000, 5000, 15_000, 30_000]) } }
  },
  restart: (world) => {
    const { random } = world
    const services = [{ host: world.pod('database').address, port: 5432 }, { host: world.pod('cache').address, port: 6379 }, { host: world.pod('web').address, port: 80 }, ...world.apps.flatMap((pod) => world.settings.tcpPorts.map((port) => ({ host: pod.address, port })))]
    return { name: 'restart', pod: random.pick(world.everyone), job: { kind: 'storm', targets: random.sample(services, random.integer(1, 12)), connections: random.magnitude(1, 40), everyMs: random.integer(6000, 25_000) } }
  },
  call: (world) => {
    const { random } = world
    const app = random.pick(world.apps)
    return { name: 'call', pod: client(world, app), job: { kind: 'datagrams', host: app.address, port: random.pick(world.settings.udpPorts), rate: random.pick([33, 50, 50, 100]), bytes: [160, 180], replyBytes: random.pick([172, 172, 800]), steady: true } }
  },
  telemetry: (world) => {
    const { random } = world
    const app = random.pick(world.apps)
    return { name: 'telemetry', pod: client(world, app), job: { kind: 'datagrams', host: app.address, port: random.pick(world.settings.udpPorts), rate: random.magnitude(1, 400), bytes: [40, random.magnitude(80, 1300)], replyBytes: 0, steady: false } }
  },
  polling: (world) => {
    const { random } = world
    const app = random.pick(world.apps)
    return { name: 'polling', pod: client(world, app), job: { kind: 'datagrams', host: app.address, port: random.pick(world.settings.udpPorts), rate: random.magnitude(1, 60), bytes: [45, 120], replyBytes: random.magnitude(48, 1200), steady: false, socketEveryMs: random.pick([0, 0, 2000, 600_000]) } }
  },
  gonePeer: (world) => {
    const { random } = world
    const host = random.chance(0.5) ? world.nowhere() : random.pick(world.everyone).address
    return { name: 'gonePeer', pod: random.pick(world.everyone), job: { kind: 'datagrams', host, port: random.pick([514, 8125, 4317, 6831, 40123]), rate: random.magnitude(1, 100), bytes: [60, 500], replyBytes: 0, steady: false, socketEveryMs: random.pick([0, 600_000]) } }
  },
  quic: (world) => {
    const { random } = world
    const app = random.pick(world.apps)
    return { name: 'quic', pod: client(world, app), job: { kind: 'bursts', host: app.address, port: random.pick(world.settings.udpPorts), rate: random.magnitude(1, 20) / 2, packets: [2, random.magnitude(5, 80)], replyBytes: random.pick([60, 1200, 1250]) } }
  },
  names: (world) => {
    const { random } = world
    return { name: 'names', pod: client(world, world.pod('names')), job: { kind: 'names', server: world.pod('names').address, names: ['web.lab', 'shop.lab', 'orders.lab', 'database.lab', 'missing.lab', 'cdn.partner.example'], rate: random.magnitude(1, 60), freshNames: false } }
  },
  manyNames: (world) => {
    const { random } = world
    return { name: 'manyNames', pod: client(world, world.pod('names')), job: { kind: 'names', server: world.pod('names').address, names: ['lab', 'web.lab', 'static.lab'], rate: random.magnitude(3, 200), freshNames: true } }
  },
  pings: (world) => {
    const { random } = world
    const targets = random.sample(world.everyone, random.integer(1, 6))
    return { name: 'pings', pod: world.pod('monitor'), command: `${targets.map((target) => `ping -q -i ${random.pick([0.2, 1, 2])} ${target.address} & `).join('')} wait` }
  },
  mail: (world) => {
    const { random } = world
    const app = random.pick(world.apps)
    return { name: 'mail', pod: client(world, app), job: { kind: 'rpc', host: app.address, port: random.pick(world.settings.tcpPorts), connections: 3, rate: random.magnitude(1, 15) / 3, requestBytes: [30, random.magnitude(300, 60_000)], responseBytes: [20, 120], requestsPerConnection: random.integer(4, 9) } }
  },
}

/** Draws `count` kinds of ordinary traffic, with parameters of their own. */
export function drawBenign (world: World, count: number): Load[] {
  return world.random.sample(Object.values(BENIGN), count).flatMap((draw) => draw(world))
}

/** The command that runs a pod's jobs in one process. */
export function workloadCommand (jobs: readonly Job[]): string {
  return `exec ${process.execPath} ${join(import.meta.dirname, 'clients', 'workload.ts')} '${JSON.stringify(jobs)}'`
}
