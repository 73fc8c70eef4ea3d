import { destinationOf, sourceOf } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'
import { RECENT_MS } from './management-port.ts'

const ENDPOINT_MAPPER = 135
/** IANA's dynamic ports, of which Windows gives its services theirs. */
const FIRST_DYNAMIC = 49_152

export const REMOTE_PROCEDURE: EvidenceKind = {
  name: 'remote-procedure',
  looksAt: 'the RPC endpoint mapper (135) and, within 5 minutes, a dynamic port of the same host: how WMI, DCOM, services and tasks are run from afar',
  weights: { LATERAL_MOVEMENT: 2 },
  find: (facts): Finding | null => {
    const { past, atMs } = facts
    const mapper = past?.ports.get(ENDPOINT_MAPPER)
    if (past === null || mapper === undefined || atMs - mapper.lastMs > RECENT_MS) return null
    const given = [...past.ports].find(([port, { firstMs }]) => port >= FIRST_DYNAMIC && firstMs >= mapper.firstMs)
    return given === undefined ? null : { strength: 1, sentence: `${sourceOf(facts)} asked the endpoint mapper of ${destinationOf(facts)} and then used the port ${given[0]} that it gives its services` }
  },
}
