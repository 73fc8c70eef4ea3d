import { readFileSync } from 'node:fs'
import { LineCounter, parseDocument } from 'yaml'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../../core/errors.ts'
import { addressText, parseAddress } from '../../core/flow/address.ts'
import type { Pod } from '../../core/pod.ts'
import type { PodDirectory } from '../../ports/directories.ts'

/** Who has which address: `{"10.0.0.5": {"namespace": "shop", "name": "db-0"}}`; addresses of one pod repeat its namespace and name. */
const PodFile = Type.Record(Type.String(), Type.Object({
  namespace: Type.String({ minLength: 1 }),
  name: Type.String({ minLength: 1 }),
  labels: Type.Optional(Type.Record(Type.String(), Type.String())),
  uid: Type.Optional(Type.String({ minLength: 1 })),
  node: Type.Optional(Type.String()),
  workload: Type.Optional(Type.String({ pattern: '^[^/]+/[^/]+$' })),
}, { additionalProperties: false }))
type PodFile = Static<typeof PodFile>

const validator = Compile(PodFile)

export interface PodFileOptions {
  /** Whether an observer reports its pods, where that is known. */
  readonly observed?: boolean
  /** When a pod was made, Unix ms, where that is known. */
  readonly createdMs?: (uid: string) => number | undefined
}

/** The pods of a `pods.json`. Throws BAD_DATA with file, line and mend. */
export function parsePodFile (text: string, path: string, { observed, createdMs }: PodFileOptions = {}): PodDirectory {
  const byAddress = new Map<string, Pod>()
  const pods = new Map<string, Pod>()
  for (const [key, entry] of Object.entries(parse(text, path))) {
    const address = canonical(key)
    if (address === null) throw bad(path, '', `"${key}" is no IP address`, 'Use an IPv4 or IPv6 address as the key')
    if (byAddress.has(address)) throw bad(path, '', `${address} is there twice`, 'Keep one of the two')
    const id = `${entry.namespace}/${entry.name}`
    const known = pods.get(id)
    // Fit for a SPIFFE ID, so that an identity can be issued for it.
    const uid = entry.uid ?? known?.uid ?? `${entry.namespace}.${entry.name}`
    const workload = entry.workload ?? known?.workload
    const madeMs = createdMs?.(uid)
    const pod: Pod = {
      uid,
      namespace: entry.namespace,
      name: entry.name,
      addresses: [...known?.addresses ?? [], address],
      labels: entry.labels ?? known?.labels ?? {},
      node: entry.node ?? known?.node ?? '',
      ...(workload !== undefined && { workload }),
      ...(madeMs !== undefined && { createdMs: madeMs }),
      ...(observed !== undefined && { observed }),
    }
    pods.set(id, pod)
    for (const each of pod.addresses) byAddress.set(each, pod)
  }
  const list = [...pods.values()]
  const byUid = new Map(list.map((pod) => [pod.uid, pod]))
  return { byAddress: (address) => byAddress.get(address) ?? null, byUid: (uid) => byUid.get(uid) ?? null, list: () => list }
}

function canonical (text: string): string | null {
  const words = parseAddress(text)
  return words === null ? null : addressText(words, 0)
}

/** A `pods.json` as text. Throws NOT_FOUND or UNAVAILABLE, with the mend. */
export function readPodText (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new AutoshieldError(code === 'ENOENT' ? 'NOT_FOUND' : 'UNAVAILABLE', `The pod file ${path} cannot be read (${code}): name another with --pods, or leave it out.`, { cause })
  }
}

/** JSON is YAML, and the YAML parser knows the line of a mistake. */
function parse (text: string, path: string): PodFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0])
    throw bad(path, `:${line}:${col}`, error.message, 'Correct the JSON there')
  }
  const value: unknown = document.toJS({ maxAliasCount: 0 })
  if (validator.Check(value)) return value
  const [first] = validator.Errors(value)
  throw bad(path, '', `${first?.instancePath === undefined || first.instancePath === '' ? 'the file' : first.instancePath} ${first?.message ?? 'is not what it should be'}`, 'Write {"10.0.0.5": {"namespace": "shop", "name": "db-0"}}')
}

const bad = (path: string, place: string, what: string, mend: string): AutoshieldError =>
  new AutoshieldError('BAD_DATA', `${path}${place}: ${what}. ${mend}.`)
