import { client, forever } from './kind.ts'
import type { Kinds } from './kind.ts'
import type { World } from '../draw-world.ts'

const scheme = ({ random }: World): 'http' | 'https' => random.chance(0.35) ? 'https' : 'http'

/** The site's 40 pages. */
const pages = (world: World) => {
  const base = `${scheme(world)}://${world.pod('web').address}`
  return Array.from({ length: 40 }, (_, i) => `${base}/page${i + 1}.html`)
}

/** The small application's address, in clear or over TLS. */
function appUrl (world: World, host: string): string {
  const tls = scheme(world)
  return `${tls}://${host}:${tls === 'https' ? world.settings.appTlsPort : world.settings.appPort}`
}

export const WEB: Kinds = {
  pages: {
    service: 'http',
    draw: (world) => {
      const rate = world.rate(1, 250)
      return { name: 'pages', rate, pod: client(world, world.pod('web')), job: { kind: 'http', urls: pages(world), rate, keepAlive: world.random.chance(0.6) } }
    },
  },
  crawler: {
    service: 'http',
    looksLike: 'BRUTE_FORCE',
    draw: (world) => {
      const rate = world.rate(10, 400)
      return { name: 'crawler', rate, pod: client(world, world.pod('web')), job: { kind: 'http', urls: pages(world), rate, keepAlive: world.random.chance(0.3) } }
    },
  },
  api: {
    service: 'http',
    draw: (world) => {
      const { random } = world
      const app = random.pick(world.apps)
      const base = appUrl(world, app.address)
      const rate = world.rate(1, 250)
      return { name: 'api', rate, pod: client(world, app), job: { kind: 'http', urls: [`${base}/page/1`, `${base}/bytes/${random.magnitude(50, 60_000)}`], rate, keepAlive: random.chance(0.6) } }
    },
  },
  uploads: {
    service: 'http',
    looksLike: 'DATA_EXFILTRATION',
    draw: (world) => {
      const { random } = world
      const app = random.pick(world.apps)
      const rate = world.rate(1, 30) / 2
      return { name: 'uploads', rate, pod: client(world, app), job: { kind: 'http', urls: [`${appUrl(world, app.address)}/upload`], rate, keepAlive: random.chance(0.5), bodyBytes: random.magnitude(500, 400_000) } }
    },
  },
  /** Says little, often, to somebody outside: what a drip of data looks like. */
  beacon: {
    service: 'http',
    looksLike: 'DATA_EXFILTRATION',
    draw: (world) => {
      const { random } = world
      const outside = world.pod('outside')
      const rate = world.rate(1, 40) / 20
      return { name: 'beacon', rate, pod: client(world, outside), job: { kind: 'http', urls: [`${appUrl(world, outside.address)}/collect`], rate, keepAlive: random.chance(0.5), bodyBytes: random.magnitude(60, 1500) } }
    },
  },
  failing: {
    service: 'http',
    looksLike: 'BRUTE_FORCE',
    draw: (world) => {
      const { random } = world
      const app = random.pick(world.apps)
      const rate = world.rate(1, 50)
      return { name: 'failing', rate, pod: client(world, app), job: { kind: 'http', urls: [`${appUrl(world, app.address)}/fail`], rate, keepAlive: random.chance(0.3) } }
    },
  },
  /** An application that logs in with its own password for each request, over and over. */
  logins: {
    service: 'http',
    looksLike: 'BRUTE_FORCE',
    draw: (world) => {
      const app = world.random.pick(world.apps)
      const rate = world.rate(1, 40)
      return { name: 'logins', rate, pod: client(world, app), job: { kind: 'http', urls: [`${appUrl(world, app.address)}/login`], rate, keepAlive: world.random.chance(0.3), bodyBytes: 28 } }
    },
  },
  download: {
    service: 'http',
    draw: (world) => {
      const { random } = world
      const web = world.pod('web')
      return { name: 'download', rate: null, pod: client(world, web), command: `sleep ${random.integer(0, 20)}; ${forever(`curl -s -m 60 ${random.chance(0.8) ? `--limit-rate ${random.magnitude(100, 4000)}k` : ''} -r 0-${random.magnitude(500_000, 20_000_000)} -o /dev/null ${scheme(world)}://${web.address}/big.bin -k`, random.integer(3, 20))}` }
    },
  },
  packages: {
    service: 'http',
    draw: (world) => {
      const { random } = world
      const web = world.pod('web')
      return { name: 'packages', rate: null, pod: client(world, web), command: `sleep ${random.integer(0, 15)}; ${forever(`for i in $(seq 1 ${random.integer(5, 40)}); do curl -s -o /dev/null http://${web.address}/packages/$i.tgz; done`, random.integer(10, 30))}` }
    },
  },
}
