import { METRICS_PORT } from '../settings.ts'
import { client, listeners } from './kind.ts'
import type { Kinds } from './kind.ts'
import type { World } from '../draw-world.ts'

const scrapeTargets = ({ random, pod }: World, least: number): readonly string[] => random.sample(pod('targets').addresses, random.integer(least, 50))

/** Whoever looks at everything all the time: what a scan looks like. */
export const MONITORING: Kinds = {
  scrape: {
    service: 'metrics',
    looksLike: 'PORT_SCAN',
    draw: (world) => {
      const { random } = world
      const urls = scrapeTargets(world, 5).map((address) => `http://${address}:${METRICS_PORT}/metrics?n=${random.integer(20, 800)}`)
      const intervalMs = random.pick([2000, 5000, 10_000, 15_000, 30_000])
      return { name: 'scrape', rate: urls.length * 1000 / intervalMs, pod: random.pick([world.pod('monitor'), client(world, world.pod('targets'))]), job: { kind: 'scrape', urls, intervalMs, burst: random.chance(0.5), keepAlive: random.chance(0.6) } }
    },
  },
  health: {
    service: 'probe',
    looksLike: 'PORT_SCAN',
    draw: (world) => {
      const { random } = world
      const targets = random.sample(listeners(world), random.integer(1, 12))
      const everyMs = random.pick([500, 1000, 5000, 10_000])
      return { name: 'health', rate: targets.length * 1000 / everyMs, pod: random.pick(world.everyone), job: { kind: 'probe', targets, everyMs, backoff: 1, timeoutMs: 1000 } }
    },
  },
  /** Service discovery that was told of many addresses and asks each whether it lives; some are gone. */
  discovery: {
    service: 'probe',
    looksLike: 'PORT_SCAN',
    draw: (world) => {
      const { random } = world
      const living = scrapeTargets(world, 10).map((host) => ({ host, port: random.pick([METRICS_PORT, world.settings.appPort]) }))
      const gone = Array.from({ length: random.integer(0, 8) }, () => ({ host: world.nowhere(), port: METRICS_PORT }))
      const rate = world.rate(1, 1200)
      return { name: 'discovery', rate, pod: client(world, world.pod('targets')), job: { kind: 'connects', targets: random.sample([...living, ...gone], 60), rate, bytes: 0, holdMs: random.pick([0, 5, 200]), timeoutMs: random.pick([500, 1000, 3000]) } }
    },
  },
  /** Probes of many ports of a few pods, open and closed, as a mesh's or a node's health checks are. */
  portChecks: {
    service: 'probe',
    looksLike: 'PORT_SCAN',
    draw: (world) => {
      const { random } = world
      const ports = random.sample([22, 80, 443, 5432, 6379, 8081, 9090, 9100, 10250, 15021, ...world.settings.tcpPorts, world.settings.appPort], random.integer(3, 14))
      const pods = random.sample(world.everyone, random.integer(1, 4))
      const rate = world.rate(1, 250)
      return { name: 'portChecks', rate, pod: random.pick([world.pod('monitor'), client(world, ...pods)]), job: { kind: 'connects', targets: pods.flatMap(({ address }) => ports.map((port) => ({ host: address, port }))), rate, bytes: 0, holdMs: random.pick([0, 20]), timeoutMs: 1000 } }
    },
  },
  pings: {
    service: 'icmp',
    looksLike: 'PORT_SCAN',
    draw: (world) => {
      const { random } = world
      const targets = random.sample(world.everyone, random.integer(1, 8))
      return { name: 'pings', rate: null, pod: world.pod('monitor'), command: `${targets.map((target) => `ping -q -i ${random.pick([0.2, 1, 2, 5])} -s ${random.pick([56, 56, 8, 500, 1400])} ${target.address} & `).join('')} wait` }
    },
  },
}
