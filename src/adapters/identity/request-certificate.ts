import { request } from 'node:https'
import { isIP } from 'node:net'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { AutoshieldError } from '../../core/errors.ts'
import type { Identity } from '../../core/identity.ts'
import { isServer } from '../../wire/tls.ts'

export interface CertificateRequest {
  /** `HOST:PORT` of the controller. */
  readonly endpoint: string
  /** Who must answer there. */
  readonly server: Identity
  /** PEM of the authorities that may vouch for it. */
  readonly authorities: string
  readonly token: string
  /** PEM. */
  readonly publicKey: string
}

export interface Answer {
  readonly certificate: string
  readonly authorities: string
}

const TIMEOUT_MS = 10_000
/** A certificate and a bundle of ten roots have 10 KB. */
const MAX_ANSWER_BYTES = 65_536

/**
 * Asks for a certificate once. Throws UNTRUSTED where the controller refuses (the message has its reason), UNAVAILABLE where it is
 * away, does not lead, says to try later, or cannot prove that it is the controller: then neither token nor key was sent.
 */
export async function requestCertificate ({ endpoint, server, authorities, token, publicKey }: CertificateRequest, signal: AbortSignal): Promise<Answer> {
  const { host, port } = split(endpoint)
  const call = request({
    host,
    port,
    path: '/v1/certificates',
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    ca: authorities,
    minVersion: 'TLSv1.3',
    // A connection and a full handshake of its own: Node does not check a server again whose session it resumes.
    agent: false,
    ...isIP(host) === 0 && { servername: host },
    checkServerIdentity: isServer(server),
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  })
  try {
    call.end(JSON.stringify({ publicKey }))
    const [response] = await once(call, 'response') as [IncomingMessage]
    return read(response.statusCode ?? 0, await textOf(response), endpoint)
  } catch (error) {
    if (error instanceof AutoshieldError) throw error
    throw new AutoshieldError('UNAVAILABLE', `no certificate from ${endpoint}: ${AutoshieldError.from(error).message}`, { cause: error })
  } finally {
    call.destroy()
  }
}

function split (endpoint: string): { host: string, port: number } {
  const colon = endpoint.lastIndexOf(':')
  return { host: endpoint.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(endpoint.slice(colon + 1)) }
}

async function textOf (response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) throw new AutoshieldError('UNAVAILABLE', `the answer has more than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Refusals that another try a moment later may lift: an expired token is renewed by the kubelet, a rate passes. */
const LATER = new Set([401, 408, 429])

function read (status: number, text: string, endpoint: string): Answer {
  const body = parse(text)
  if (status === 200 && hasTexts(body, 'certificate', 'authorities')) return { certificate: body.certificate, authorities: body.authorities }
  // A replica that does not lead has no such route: what gives no reason of ours is no refusal.
  if (!hasTexts(body, 'code', 'message')) throw new AutoshieldError('UNAVAILABLE', `no certificate from ${endpoint} (${status}, it does not say why: no leading controller answers there)`)
  const refused = status >= 400 && status < 500 && !LATER.has(status)
  throw new AutoshieldError(refused ? 'UNTRUSTED' : 'UNAVAILABLE', `no certificate from ${endpoint} (${status}, ${body.code}: ${body.message})`)
}

/** By hand: the schema library would be a fifth (25 MiB) of what an observer has resident, in every pod. */
function hasTexts<K extends string> (value: unknown, ...fields: readonly K[]): value is Readonly<Record<K, string>> {
  return typeof value === 'object' && value !== null && fields.every((field) => typeof Reflect.get(value, field) === 'string')
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // not JSON: said by the status
  }
}
