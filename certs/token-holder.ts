import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { TOKEN_AUDIENCE } from '../src/core/injection/names.ts'
import type { KubernetesObject } from '../src/core/kubernetes/object.ts'
import { isRecord } from '../src/core/kubernetes/read-object.ts'
import { apiVersionOf, RESOURCES } from '../src/core/kubernetes/resource.ts'
import type { KubernetesApi } from '../src/ports/kubernetes.ts'
import type { IssueRefusalReason } from './issue-refusal.ts'

/** The pod that a token speaks for, and under which service account. */
export interface TokenHolder {
  readonly namespace: string
  readonly serviceAccount: string
  readonly pod: { readonly name: string, readonly uid: string }
}

export interface TokenRefused {
  readonly refused: IssueRefusalReason
  /** For the audit: the API server's words. Not for the caller. */
  readonly detail: string
}

const Status = Compile(Type.Object({
  authenticated: Type.Optional(Type.Boolean()),
  error: Type.Optional(Type.String()),
  audiences: Type.Optional(Type.Array(Type.String())),
  user: Type.Optional(Type.Object({
    username: Type.Optional(Type.String()),
    extra: Type.Optional(Type.Record(Type.String(), Type.Array(Type.String()))),
  })),
}))

/** The API server sets these on tokens that are bound to a pod (KEP-4193); a service account alone cannot claim them. */
const POD_NAME = 'authentication.kubernetes.io/pod-name'
const POD_UID = 'authentication.kubernetes.io/pod-uid'
const USERNAME = /^system:serviceaccount:(?<namespace>[a-z0-9-]{1,63}):(?<serviceAccount>[a-z0-9.-]{1,253})$/

/** Asks the API server whose token it is. Throws as `KubernetesApi` does. */
export async function reviewToken (api: KubernetesApi, token: string, nowMs: number): Promise<TokenHolder | TokenRefused> {
  const resource = RESOURCES.tokenReviews
  const { status } = await api.create(resource, { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata: {}, spec: { token, audiences: [TOKEN_AUDIENCE] } })
  if (!Status.Check(status)) return { refused: 'TokenInvalid', detail: 'the review has no status' }
  if (status.authenticated !== true) return { refused: whyNot(token, nowMs), detail: status.error ?? '' }
  // An authenticator that knows no audiences answers with none: what it says is not about a token for us.
  if (status.audiences?.includes(TOKEN_AUDIENCE) !== true) return { refused: 'WrongAudience', detail: `audiences ${status.audiences?.join(', ') ?? 'unknown'}` }
  const { namespace, serviceAccount } = USERNAME.exec(status.user?.username ?? '')?.groups ?? {}
  const [names, uids] = [status.user?.extra?.[POD_NAME] ?? [], status.user?.extra?.[POD_UID] ?? []]
  const [name, uid] = [names[0], uids[0]]
  if (namespace === undefined || serviceAccount === undefined || name === undefined || uid === undefined || names.length + uids.length > 2) {
    return { refused: 'NotPodBound', detail: `user ${status.user?.username ?? 'unknown'}` }
  }
  return { namespace, serviceAccount, pod: { name, uid } }
}

/**
 * Null where the pod is there and runs. The review alone does not tell: the API server remembers a token's verdict for
 * about 10 s (seen: a token was authenticated 1.5 s after its pod was gone).
 */
export async function checkPod (api: KubernetesApi, { namespace, serviceAccount, pod }: TokenHolder): Promise<TokenRefused | null> {
  const found = await api.get(RESOURCES.pods, pod.name, namespace)
  if (found === null) return { refused: 'PodGone', detail: 'there is no such pod' }
  if (found.metadata.uid !== pod.uid) return { refused: 'PodGone', detail: `the pod of that name is another one, ${found.metadata.uid ?? 'without uid'}` }
  if (found.metadata.deletionTimestamp !== undefined) return { refused: 'PodEnding', detail: `deleted at ${found.metadata.deletionTimestamp}` }
  const phase = fieldOf(found, 'status', 'phase')
  if (phase === 'Succeeded' || phase === 'Failed') return { refused: 'PodEnding', detail: phase }
  const account = fieldOf(found, 'spec', 'serviceAccountName')
  return account === serviceAccount ? null : { refused: 'OtherServiceAccount', detail: `the pod runs as ${String(account)}` }
}

function fieldOf (object: KubernetesObject, part: string, field: string): unknown {
  const value = object[part]
  return isRecord(value) ? value[field] : undefined
}

/** Words for the caller, from what the token says of itself. Nobody has checked that, and nothing rests on it. */
function whyNot (token: string, nowMs: number): IssueRefusalReason {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    if (!isRecord(claims)) return 'TokenInvalid'
    const audiences = [claims['aud']].flat()
    if (!audiences.includes(TOKEN_AUDIENCE)) return 'WrongAudience'
    return typeof claims['exp'] === 'number' && claims['exp'] * 1000 <= nowMs ? 'TokenExpired' : 'TokenInvalid'
  } catch {
    return 'TokenInvalid' // no JWT
  }
}
