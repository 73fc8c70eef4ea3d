import { create } from '@bufbuild/protobuf'
import { WITNESSES, type FlowSighting } from '../core/history/sighting.ts'
import { addressFromBytes, addressToBytes } from './address.ts'
import { FlowColumnsSchema, type FlowColumns } from './gen/scores_pb.ts'

const MAX_UINT32 = 0xffff_ffff

/** Sightings as they came, or what is wrong with the message, in plain words. */
export type DecodedFlows = { readonly ok: true, readonly sightings: readonly FlowSighting[] } | { readonly ok: false, readonly problem: string }

/** Columns of `sightings`, in their order. An address that is none is a defect of the caller and throws a RangeError. */
export function encodeFlows (sightings: readonly FlowSighting[]): FlowColumns {
  const columns = create(FlowColumnsSchema)
  const address = numbered((text: string) => {
    const bytes = addressToBytes(text)
    if (bytes === null) throw new RangeError(`'${text}' in a flow is no address`)
    columns.addresses.push(bytes)
  })
  const pod = numbered((uid: string) => columns.pods.push(uid))
  for (const { minute, source, destination, witness, pod: uid, use } of sightings) {
    columns.minute.push(minute)
    columns.source.push(address(source))
    columns.destination.push(address(destination))
    columns.pod.push(pod(uid))
    columns.witness.push(1 + WITNESSES.indexOf(witness))
    columns.protocol.push(use.protocol)
    columns.port.push(use.port)
    columns.begun.push(Math.min(use.begun, MAX_UINT32))
    columns.carried.push(Math.min(use.carried, MAX_UINT32))
    columns.failed.push(Math.min(use.failed, MAX_UINT32))
    columns.bytesSent.push(use.bytesSent)
    columns.bytesReceived.push(use.bytesReceived)
  }
  return columns
}

/** The sightings in `columns`. Total, like `decodeWindows`. */
export function decodeFlows (columns: FlowColumns): DecodedFlows {
  const { source, destination, pod, witness, minute, protocol, port, begun, carried, failed, bytesSent, bytesReceived } = columns
  const rows = minute.length
  const lengths = Object.entries({ source, destination, pod, witness, protocol, port, begun, carried, failed, bytesSent, bytesReceived })
  const wrong = lengths.find(([, column]) => column.length !== rows)
  if (wrong !== undefined) return { ok: false, problem: `column ${wrong[0]} has ${wrong[1].length} entries where ${rows} flows need ${rows}` }
  const addresses = columns.addresses.map(addressFromBytes)
  const sightings: FlowSighting[] = []
  for (let row = 0; row < rows; row++) {
    const [from, to, by, seenBy] = [addresses[at(source, row)], addresses[at(destination, row)], columns.pods[at(pod, row)], WITNESSES[at(witness, row) - 1]]
    if (from === undefined || from === null || to === undefined || to === null) return { ok: false, problem: `flow ${row} names an address that is not there` }
    if (by === undefined || seenBy === undefined) return { ok: false, problem: `flow ${row} names a witness that is not there` }
    if (at(port, row) > 0xffff || at(protocol, row) > 0xff) return { ok: false, problem: `flow ${row} names a port or a protocol that cannot be` }
    if (![at(bytesSent, row), at(bytesReceived, row)].every((bytes) => Number.isSafeInteger(bytes) && bytes >= 0)) return { ok: false, problem: `the bytes of flow ${row} are no whole number` }
    sightings.push({
      minute: at(minute, row),
      source: from,
      destination: to,
      witness: seenBy,
      pod: by,
      use: {
        protocol: at(protocol, row),
        port: at(port, row),
        begun: at(begun, row),
        carried: at(carried, row),
        failed: at(failed, row),
        bytesSent: at(bytesSent, row),
        bytesReceived: at(bytesReceived, row),
      },
    })
  }
  return { ok: true, sightings }
}

/** Gives each text a number from 0, telling of each that is new. */
function numbered (add: (text: string) => void): (text: string) => number {
  const known = new Map<string, number>()
  return (text) => {
    let number = known.get(text)
    if (number === undefined) {
      add(text)
      known.set(text, number = known.size)
    }
    return number
  }
}

/** The lengths were checked, so nothing is missing. */
const at = (column: readonly number[], row: number): number => column[row] ?? 0
