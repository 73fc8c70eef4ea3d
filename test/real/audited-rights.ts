import { Type } from 'typebox'
import { Compile } from 'typebox/compile'

/** One verb on one kind (or one object of it, or one path), as a role of the chart grants it to one of our accounts. */
export interface Grant {
  readonly account: string
  readonly verb: string
  /** `GROUP/RESOURCE[/NAME]`, or `nonresource PATH`. */
  readonly what: string
}

export interface Role {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly rules?: readonly {
    readonly apiGroups?: readonly string[]
    readonly resources?: readonly string[]
    readonly resourceNames?: readonly string[]
    readonly nonResourceURLs?: readonly string[]
    readonly verbs: readonly string[]
  }[]
}

/** What a request of one of our accounts needed. */
export interface Attributes {
  readonly account: string
  readonly verb: string
  readonly kind: string
  /** Null where the request names no object: a creation, a list without a name. */
  readonly name: string | null
  readonly refused: boolean
}

const Entry = Compile(Type.Object({
  verb: Type.String(),
  requestURI: Type.String(),
  // Nobody, where the request's token proved nothing: that of a pod whose account is being deleted.
  user: Type.Object({ username: Type.Optional(Type.String()) }),
  objectRef: Type.Optional(Type.Object({ apiGroup: Type.Optional(Type.String()), resource: Type.String(), subresource: Type.Optional(Type.String()), name: Type.Optional(Type.String()) })),
  responseStatus: Type.Optional(Type.Object({ code: Type.Optional(Type.Integer()) })),
}))

/** The grants of a role; none of another object. Cluster-wide roles carry the namespace in their names. */
export function grantsOf ({ kind, metadata, rules = [] }: Role, ownNamespace: string): readonly Grant[] {
  if (kind !== 'Role' && kind !== 'ClusterRole') return []
  const account = metadata.name.replace(new RegExp(`-${ownNamespace}$`), '')
  return rules.flatMap(({ apiGroups = [], resources = [], resourceNames, nonResourceURLs = [], verbs }) => {
    const kinds = apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource}`))
    const objects = resourceNames === undefined ? kinds : kinds.flatMap((each) => resourceNames.map((name) => `${each}/${name}`))
    return [...objects, ...nonResourceURLs.map((path) => `nonresource ${path}`)].flatMap((what) => verbs.map((verb) => ({ account, verb, what })))
  })
}

/** What a line of the API server's audit log says of one of our accounts; empty for others'. */
export function attributesOf (line: string, ownNamespace: string): readonly Attributes[] {
  const entry: unknown = JSON.parse(line)
  if (!Entry.Check(entry)) throw new Error(`the audit log has a line of another form: ${line.slice(0, 200)}`)
  const [prefix, account = ''] = (entry.user.username ?? '').split(`:${ownNamespace}:`)
  if (prefix !== 'system:serviceaccount') return []
  const { objectRef: ref } = entry
  const resource = ref === undefined ? null : [ref.resource, ...(ref.subresource === undefined ? [] : [ref.subresource])].join('/')
  const request = {
    account,
    verb: entry.verb,
    kind: resource === null ? `nonresource ${entry.requestURI.replace(/\?.*$/, '')}` : `${ref?.apiGroup ?? ''}/${resource}`,
    name: ref?.name ?? null,
    refused: entry.responseStatus?.code === 403,
  }
  // A server-side apply that makes the object is asked for the right to create it, too, under its name.
  return entry.verb === 'patch' && entry.responseStatus?.code === 201 ? [request, { ...request, verb: 'create' }] : [request]
}

/** The grants that allow a request: the narrowest that there are. */
export function grantOf ({ account, verb, kind, name }: Attributes, granted: readonly Grant[]): readonly Grant[] {
  const mine = granted.filter((grant) => grant.account === account && grant.verb === verb)
  const named = mine.filter(({ what }) => name !== null && what === `${kind}/${name}`)
  return named.length > 0 ? named : mine.filter(({ what }) => what === kind)
}
