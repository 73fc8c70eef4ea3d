import { create } from '@bufbuild/protobuf'
import { encodeWindows } from '../../src/wire/encode-windows.ts'
import { ObserverMessageSchema, type ObserverMessage } from '../../src/wire/gen/ingest_pb.ts'
import { apart, encodeRestrictionCount } from '../../src/wire/restriction-counts.ts'
import type { OutgoingBatch } from './outbox.ts'

/** A batch as it goes over the wire. */
export function encodeBatch ({ sequence, windows, clocks, resent, forgedSent, restrictions, counts, droppedWindows }: OutgoingBatch): ObserverMessage {
  const { sourced, everybody } = apart(restrictions)
  return create(ObserverMessageSchema, {
    message: {
      case: 'batch',
      value: {
        sequence: BigInt(sequence),
        windows: encodeWindows(windows, clocks),
        resent,
        forgedSent: BigInt(forgedSent),
        restrictions: sourced.map(encodeRestrictionCount),
        everybody: everybody.map(encodeRestrictionCount),
        stats: {
          packets: BigInt(counts.packets),
          flows: BigInt(counts.flows),
          malformed: BigInt(counts.malformed),
          droppedPackets: BigInt(counts.dropped),
          droppedWindows: BigInt(droppedWindows),
        },
      },
    },
  })
}
