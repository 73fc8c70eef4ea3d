import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { isRecord } from '../../src/core/kubernetes/read-object.ts'
import type { Aim, ApiWrite } from './diary.ts'

const POD_NAME = 'authentication.kubernetes.io/pod-name'
const WRITES = ['create', 'update', 'patch']
const RESOURCES = ['mitigations', 'networkpolicies', 'leases']

/** What is needed of a line of the API server's audit log. */
interface Line {
  readonly verb: string
  readonly requestReceivedTimestamp: string
  readonly stageTimestamp: string
  readonly user: { readonly extra?: Readonly<Record<string, readonly string[]>> }
  readonly objectRef?: { readonly resource: string, readonly namespace?: string, readonly name?: string, readonly subresource?: string }
  readonly responseStatus?: { readonly code: number }
  readonly responseObject?: unknown
}

/** Null for half a line: the API server was killed while it wrote it. */
function parsed (line: string): Line | null {
  try {
    return JSON.parse(line) as Line // the API server's own form, audit.k8s.io/v1
  } catch {
    return null
  }
}

const isTaken = ({ verb, responseStatus }: Line): boolean => WRITES.includes(verb) && responseStatus !== undefined && responseStatus.code < 300

/** Writes of controllers that were taken, in the order in which they were. */
export function readWrites (path: string): readonly ApiWrite[] {
  return readFileSync(path, 'utf8').split('\n').flatMap((text) => {
    if (!RESOURCES.some((resource) => text.includes(`"resource":"${resource}"`))) return []
    const line = parsed(text)
    const pod = line?.user.extra?.[POD_NAME]?.[0]
    const object = line?.responseObject
    if (line === null || pod === undefined || !isTaken(line) || line.objectRef === undefined || !RESOURCES.includes(line.objectRef.resource) || !isRecord(object)) return []
    const { objectRef: { resource, name = '' }, verb } = line
    return [{ receivedMs: Date.parse(line.requestReceivedTimestamp), answeredMs: Date.parse(line.stageTimestamp), pod, resource, name, verb, object }]
  })
}

/** Whether a line is the write that an aim waits for. */
function hits (aim: Aim, line: Line): boolean {
  const { resource, subresource } = line.objectRef ?? {}
  if (!isTaken(line)) return false
  switch (aim) {
    case 'mitigation': return resource === 'mitigations' && subresource === undefined
    case 'status': return resource === 'mitigations' && subresource === 'status'
    case 'policy': return resource === 'networkpolicies'
    case 'audit':
    case 'any': return false
  }
}

/** Resolves when something of the kind is written from now on, or the signal aborts. `head`: the file in which the leader notes the end of its trail. */
export async function written (aim: Exclude<Aim, 'any'>, { log, head }: { readonly log: string, readonly head: string }, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  signal.addEventListener('abort', () => resolve(undefined), { once: true })
  let from = aim === 'audit' ? 0 : statSync(log).size
  const look = async (): Promise<void> => {
    await using file = await open(log)
    const { buffer, bytesRead } = await file.read({ position: from, buffer: Buffer.alloc(1 << 20) })
    const text = buffer.toString('utf8', 0, bytesRead)
    const whole = text.lastIndexOf('\n') + 1
    from += Buffer.byteLength(text.slice(0, whole))
    if (text.slice(0, whole).split('\n').some((each) => { const line = parsed(each); return line !== null && hits(aim, line) })) resolve(undefined)
  }
  let watcher: FSWatcher | undefined
  try {
    watcher = watch(aim === 'audit' ? head : log, () => { if (aim === 'audit') resolve(undefined); else look().catch(() => undefined) }) // read again at the next change
    await promise
  } finally {
    watcher?.close()
  }
}
