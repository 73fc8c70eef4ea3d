/** Why a certificate is not issued, and the HTTP status that says so. Closed list: audit entries and counters carry the names. */
export const ISSUE_REFUSALS = {
  BadRequest: { http: 400, text: 'the body is not {"publicKey": PEM}' },
  BadKey: { http: 400, text: 'the public key is no P-256 key as PEM of its SubjectPublicKeyInfo' },
  NoToken: { http: 401, text: 'there is no token in the header Authorization: Bearer TOKEN' },
  TokenExpired: { http: 401, text: 'the token has expired; read its file again' },
  WrongAudience: { http: 401, text: 'the token is not for the audience autoshield' },
  TokenInvalid: { http: 401, text: 'the API server does not know the token' },
  NotPodBound: { http: 403, text: 'the token is not that of a service account bound to a pod' },
  PodGone: { http: 403, text: 'the pod of the token is gone' },
  PodEnding: { http: 403, text: 'the pod of the token is being deleted or has finished' },
  OtherServiceAccount: { http: 403, text: 'the service account has no part in AutoShield\'s own namespace, or is not the pod\'s' },
  KeyReused: { http: 403, text: 'the key was certified before; make a new one for each request' },
  TooOften: { http: 429, text: 'too many requests; wait before the next' },
  Overloaded: { http: 503, text: 'too many requests are under way; try again' },
  Unavailable: { http: 503, text: 'the API server or the authority is away; try again' },
} as const
export type IssueRefusalReason = keyof typeof ISSUE_REFUSALS
