import type { ConnectionEnd } from '../connections/connection-table.ts'
import type { SocketReport } from './socket-report.ts'

/** An end of a connection may be heard to have gone a look or two before the other. */
const LINGER_LOOKS = 2

/**
 * Connections of the pod's own that its proxy has taken: to their socket they lead where the application wanted, and end inside the pod.
 * What leaves the pod is the proxy's own connection, which has a socket beside. They are told by the proxy's end of them, which has the
 * application's end for its peer.
 */
export class TakenByProxy {
  readonly #port: number | null
  /** Applications' ends, by the look that met the proxy's end last. */
  readonly #ends = new Map<string, number>()

  /** `port`: where the pod's own connections are redirected to; null where they are not. */
  constructor (port: number | null) {
    this.#port = port
  }

  /** Takes in what a look met, before `has` is asked of it. */
  meet (sockets: readonly SocketReport[], look: number): void {
    for (const [end, met] of this.#ends) if (met < look - LINGER_LOOKS) this.#ends.delete(end)
    for (const { protocol, local, peer } of sockets) if (protocol === 'tcp' && local.port === this.#port && peer.port !== 0) this.#ends.set(idOf(peer), look)
  }

  has ({ protocol, local }: SocketReport): boolean {
    return protocol === 'tcp' && this.#ends.has(idOf(local))
  }
}

const idOf = ({ address, port }: ConnectionEnd): string => `${address?.join() ?? '*'} ${port}`
