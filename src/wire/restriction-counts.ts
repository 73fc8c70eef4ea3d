import type { MessageInitShape } from '@bufbuild/protobuf'
import type { RestrictionCount } from '../core/mitigation/restriction-count.ts'
import { addressFromBytes, addressToBytes } from './address.ts'
import type { RestrictionCount as WireCount, RestrictionCountSchema } from './gen/restrictions_pb.ts'

/** What an observer says of its own pod's proxy: whose it is, its certificate says. */
export type OwnRestrictionCount = Omit<RestrictionCount, 'podUid'>

/** Counts in one batch, at most. */
export const MAX_BATCH_RESTRICTIONS = 256

/** In two lists: a reader of an older version refuses a count without source where it looks for the others. */
export const apart = <Count extends Pick<OwnRestrictionCount, 'source'>>(counts: readonly Count[]): { readonly sourced: readonly Count[], readonly everybody: readonly Count[] } =>
  ({ sourced: counts.filter(({ source }) => source !== null), everybody: counts.filter(({ source }) => source === null) })

/** Throws RangeError where an address is none. */
export function encodeRestrictionCount ({ source, destination, port, unit, atMs, attempts, denied, limited, passed, shadowed }: OwnRestrictionCount): MessageInitShape<typeof RestrictionCountSchema> {
  return {
    ...(source === null ? {} : { source: bytesOf(source) }),
    destination: bytesOf(destination),
    ...(port === null ? {} : { port }),
    requests: unit === 'requests',
    atMs: BigInt(atMs),
    attempts,
    denied,
    limited,
    passed,
    shadowed,
  }
}

/** The count, or what is wrong with it in plain words. Total. */
export function decodeRestrictionCount (count: WireCount): OwnRestrictionCount | string {
  const { port = null, requests, attempts, denied, limited, passed, shadowed } = count
  const isEverybody = count.source.length === 0
  const source = isEverybody ? null : addressFromBytes(count.source)
  const destination = addressFromBytes(count.destination)
  const atMs = Number(count.atMs)
  if ((source === null && !isEverybody) || destination === null) return 'an end of a restriction count is no address of 4 or 16 bytes'
  if (port !== null && (port < 1 || port > 65_535)) return `a restriction count names the port ${port}`
  if (!Number.isSafeInteger(atMs)) return 'a restriction count lies beyond the end of time'
  if (attempts === 0 || denied + limited + passed !== attempts || shadowed > passed) return `a restriction count of ${attempts} attempts does not add up`
  if (isEverybody && (requests || limited !== attempts)) return 'a restriction count without a source tells of more than new connections that a limit stopped'
  return { source, destination, port, unit: requests ? 'requests' : 'connections', atMs, attempts, denied, limited, passed, shadowed }
}

function bytesOf (address: string): Uint8Array<ArrayBuffer> {
  const bytes = addressToBytes(address)
  if (bytes === null) throw new RangeError(`'${address}' is no IP address`)
  return Uint8Array.from(bytes)
}
