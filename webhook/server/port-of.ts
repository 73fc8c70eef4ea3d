import type { Server } from 'node:net'

/** The port that a server was given; undefined where it listens on none. */
export function portOf (server: Pick<Server, 'address'>): number | undefined {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : undefined
}
