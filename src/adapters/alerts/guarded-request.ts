import { lookup } from 'node:dns/promises'
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { ReceiverAnswer } from '../../core/errand/answer.ts'
import { refusalOf, type Allowed } from '../../core/errand/destination.ts'

export interface GuardedRequest {
  readonly url: URL
  readonly method: 'POST' | 'PUT'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Resolve = (host: string) => Promise<readonly { readonly address: string, readonly family: number }[]>

export interface Guard {
  readonly allowed: Allowed
  readonly timeoutMs: number
  /** Of names; the system's unless given. */
  readonly resolve?: Resolve
}

export type Sent =
  | { readonly result: 'answered', readonly answer: ReceiverAnswer }
  | { readonly result: 'forbidden', readonly message: string }
  /** In words that hold neither path nor query of the address: they may be secret. */
  | { readonly result: 'away', readonly message: string }

/** Nobody needs to read the answer; it is read so far that an ordinary one ends by itself. */
const MAX_ANSWER_BYTES = 64 * 1024

class ForbiddenAddress extends Error {}

/**
 * One request to an address that others may have chosen. The name is resolved once, every address that came of it is
 * checked, and the connection goes to those very addresses: a name that resolves to something else a moment later changes
 * nothing (DNS rebinding). Redirects are not followed, no connection is kept, no proxy of the environment is used, and what
 * lasts longer than `timeoutMs` in all is broken off.
 */
export async function sendGuarded ({ url, method, headers, body }: GuardedRequest, guard: Guard, signal: AbortSignal): Promise<Sent> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  // An address needs no resolution, so nothing would check it.
  const refused = isIP(host) === 0 ? null : refusalOf(host, host, guard.allowed)
  if (refused !== null) return { result: 'forbidden', message: refused }
  const until = AbortSignal.any([signal, AbortSignal.timeout(guard.timeoutMs)])
  const options: RequestOptions = {
    method,
    headers: { ...headers, 'content-length': Buffer.byteLength(body), 'user-agent': 'autoshield' },
    agent: false,
    lookup: checkedLookup(guard),
    signal: until,
  }
  try {
    const response = await requested(url, options, body)
    await readSome(response)
    const { statusCode = 0, headers: { 'retry-after': retryAfter } } = response
    return { result: 'answered', answer: { status: statusCode, ...(retryAfter !== undefined && { retryAfter }) } }
  } catch (error) {
    if (error instanceof ForbiddenAddress) return { result: 'forbidden', message: error.message }
    return { result: 'away', message: until.aborted ? `${url.host} did not answer within ${guard.timeoutMs / 1000} s` : `${url.host} cannot be reached (${codeOf(error)})` }
  }
}

function requested (url: URL, options: RequestOptions, body: string): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, resolve)
  request.on('error', reject)
  request.end(body)
  return promise
}

async function readSome (response: IncomingMessage): Promise<void> {
  let length = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length
    if (length > MAX_ANSWER_BYTES) break // leaving the loop destroys the connection
  }
}

/** One forbidden address among several forbids them all: whoever may choose one of them is not to be tried further. */
function checkedLookup ({ allowed, resolve = systemResolve }: Guard): LookupFunction {
  return (host, { all }, callback) => {
    resolve(host).then((found) => {
      const refused = found.map(({ address }) => refusalOf(host, address, allowed)).find((reason) => reason !== null)
      if (refused !== undefined) throw new ForbiddenAddress(refused)
      const [first] = found
      if (first === undefined) throw new Error('the name has no address')
      if (all === true) callback(null, found.map((each) => ({ ...each })))
      else callback(null, first.address, first.family)
    }).catch((error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), ''))
  }
}

const systemResolve: Resolve = async (host) => lookup(host, { all: true })

/** Node's and OpenSSL's codes; the messages may name paths. */
const codeOf = (error: unknown): string => error instanceof Error ? ('code' in error && typeof error.code === 'string' ? error.code : error.message) : String(error)
