import { AutoshieldError } from '../../core/errors.ts'
import { isRecord } from '../../core/kubernetes/read-object.ts'

/** What came back of a call, before anybody understood it. */
export interface Answer {
  readonly status: number
  readonly text: string
}

/** What was asked for, for messages. */
export interface Asked {
  /** As RBAC calls it: get, list, watch, create, update, patch, delete. */
  readonly verb: string
  /** As RBAC calls it: `deployments.apps`, `pods/status`, or a path. */
  readonly resource: string
  /** `pods in namespace shop`. */
  readonly phrase: string
}

/** Total: what an answer that is no success means. The API server's own words stay in the message. */
export function fromAnswer ({ status, text }: Answer, { verb, resource, phrase }: Asked, server: string): AutoshieldError {
  const words = wordsOf(text)
  switch (status) {
    case 401:
      return new AutoshieldError('UNTRUSTED', `${server} does not know who we are (${words}), so it does not let us ${verb} ${phrase}: renew the credentials of the kubeconfig, or the service account.`)
    case 403:
      return isPermission(words)
        ? new AutoshieldError('UNTRUSTED', `${server} does not let us ${verb} ${phrase} (${words}): grant the verb "${verb}" on "${resource}" by a role.`)
        : new AutoshieldError('BAD_DATA', `${server} refuses to ${verb} ${phrase}: ${words}`)
    case 404:
      return new AutoshieldError('NOT_FOUND', `${server} has no ${phrase} (${words}).`)
    case 409:
      return new AutoshieldError('CONFLICT', `${server} could not ${verb} ${phrase}: ${words}`)
    case 400: case 405: case 406: case 410: case 413: case 415: case 422:
      return new AutoshieldError('BAD_DATA', `${server} refuses to ${verb} ${phrase}: ${words}`)
    case 408: case 429:
      return unavailable(status, words, server)
    default:
      return status >= 500 ? unavailable(status, words, server) : new AutoshieldError('INTERNAL', `${server} answered ${status} to ${verb} ${phrase}: ${words}`)
  }
}

const unavailable = (status: number, words: string, server: string): AutoshieldError =>
  new AutoshieldError('UNAVAILABLE', `${server} cannot answer now (${status}: ${words}): try again; look at its health where it lasts.`)

/** 403 is also what admission says of an object; permission alone can be granted (k8s.io/apiserver, responsewriters.Forbidden; rbac escalation). */
const isPermission = (words: string): boolean => /\bcannot [a-z]+ (?:resource|path)\b|attempting to grant/i.test(words)

const MAX_WORDS = 1_000

/** The message of a Status object, or the beginning of whatever was sent. */
function wordsOf (text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value) && typeof value['message'] === 'string') return value['message'].slice(0, MAX_WORDS)
  } catch {
    // no Status: text of a proxy, or of a path that is not served
  }
  return text.trim().slice(0, 200) || 'no reason given'
}

/** Node's codes for a certificate that does not prove who the server is (OpenSSL's X509_V_ERR_*). */
const DISTRUST = /^(?:CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA)/

/** Total: what kept an answer from coming. */
export function fromTransport (thrown: unknown, server: string): AutoshieldError {
  if (thrown instanceof AutoshieldError) return thrown
  if (!(thrown instanceof Error)) return AutoshieldError.from(thrown)
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
  if (DISTRUST.test(code)) {
    return new AutoshieldError('UNTRUSTED', `${server} could not prove that it is the cluster of the kubeconfig (${thrown.message}): correct its certificate-authority or server.`, { cause: thrown })
  }
  if (thrown.name === 'TimeoutError') return new AutoshieldError('UNAVAILABLE', `${server} did not answer in time: is it up, and is the way to it open?`, { cause: thrown })
  // What remains is the way there: a refused or broken connection, a name that does not resolve, a credential plugin that fails.
  return new AutoshieldError('UNAVAILABLE', `${server} cannot be reached (${thrown.message || code}): is it up, and are the credentials of the kubeconfig in order?`, { cause: thrown })
}
