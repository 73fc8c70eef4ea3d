import { client, listeners } from './kind.ts'
import type { Kinds } from './kind.ts'

/** What goes wrong on an ordinary day: the dead, the unreachable and the restarted, at the rates of attacks. */
export const FAILURES: Kinds = {
  deadPort: {
    service: 'retry',
    looksLike: 'PORT_SCAN',
    draw: (world) => {
      const { random } = world
      const target = random.pick(world.everyone)
      return { name: 'deadPort', rate: null, pod: client(world, target), job: { kind: 'probe', targets: [{ host: target.address, port: random.pick([9999, 8081, 3001, 5433, 26379]) }], everyMs: random.magnitude(40, 20_000), backoff: random.pick([1, 1, 1.5, 2]), timeoutMs: random.pick([500, 1000, 3000]) } }
    },
  },
  /** A client without backoff, whose service is gone. */
  retryStorm: {
    service: 'retry',
    looksLike: 'SYN_FLOOD',
    draw: (world) => {
      const { random } = world
      const target = random.pick(world.everyone)
      const rate = world.rate(5, 1200)
      return { name: 'retryStorm', rate, pod: client(world, target), job: { kind: 'connects', targets: [{ host: target.address, port: random.pick([9999, 8081, 3001, 5433, 26379]) }], rate, bytes: 0, holdMs: 0, timeoutMs: random.pick([300, 1000]) } }
    },
  },
  blackHole: {
    service: 'retry',
    looksLike: 'SYN_FLOOD',
    draw: (world) => {
      const { random } = world
      const rate = world.rate(1, 300)
      return { name: 'blackHole', rate, pod: random.pick(world.everyone), job: { kind: 'connects', targets: Array.from({ length: random.integer(1, 3) }, () => ({ host: world.nowhere(), port: random.pick([80, 443, 5432, 8080, 9093]) })), rate, bytes: 0, holdMs: 0, timeoutMs: random.pick([800, 2000, 5000]) } }
    },
  },
  /** Many connections at one moment to all that a service needs, as after a restart, and again some time later. */
  restart: {
    service: 'pool',
    looksLike: 'PORT_SCAN',
    draw: (world) => {
      const { random } = world
      return { name: 'restart', rate: null, pod: random.pick(world.everyone), job: { kind: 'storm', targets: random.sample(listeners(world), random.integer(1, 12)), connections: random.magnitude(1, 40), everyMs: random.integer(6000, 25_000) } }
    },
  },
  /** The server was away: all of its clients come back at once. */
  restartStorm: {
    service: 'pool',
    looksLike: 'SYN_FLOOD',
    draw: (world) => {
      const { random } = world
      const target = random.pick(listeners(world))
      const everyMs = random.integer(8000, 30_000)
      const clients = random.sample(world.everyone.filter(({ address, name }) => address !== target.host && name !== 'names'), random.integer(3, 8))
      return clients.map((pod) => ({ name: 'restartStorm', rate: null, pod, job: { kind: 'storm' as const, targets: [target], connections: random.magnitude(2, 60), everyMs } }))
    },
  },
  /** A pool that opens connections at a steady rate until it is full, each with a first request, and lets them go again. */
  warmUp: {
    service: 'pool',
    looksLike: 'SYN_FLOOD',
    draw: (world) => {
      const { random } = world
      const target = random.pick(listeners(world))
      const rate = world.rate(2, 800)
      const pod = random.pick(world.everyone.filter(({ address }) => address !== target.host))
      return { name: 'warmUp', rate, pod, job: { kind: 'connects', targets: [target], rate, bytes: random.magnitude(8, 400), holdMs: random.magnitude(5, 1500), timeoutMs: 2000 } }
    },
  },
}
