import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { MissingRight } from '../../core/preflight/check-cluster.ts'
import { ACCOUNT_RIGHTS, INSTALLER_RIGHTS, type Right } from '../../core/preflight/rights.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'

const Review = Compile(Type.Object({ status: Type.Object({ allowed: Type.Boolean() }) }))

export interface AskedRights { readonly missing: readonly MissingRight[], readonly asked: number }

/** Asks the API server itself for every right of AutoShield's service accounts. Takes about a millisecond a right. */
export async function askAccounts (api: KubernetesApi, ownNamespace: string): Promise<AskedRights> {
  const asked = await Promise.all(Object.entries(ACCOUNT_RIGHTS).map(async ([account, rights]) => {
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${ownNamespace}`, 'system:authenticated']
    const subject = { user: `system:serviceaccount:${ownNamespace}:${account}`, groups }
    return ask(rights, account, ownNamespace, async (resourceAttributes) => api.create(RESOURCES.subjectAccessReviews, { metadata: {}, spec: { ...subject, resourceAttributes } }))
  }))
  return { missing: asked.flatMap(({ missing }) => missing), asked: asked.reduce((sum, each) => sum + each.asked, 0) }
}

/** Asks whether the caller may install AutoShield. */
export const askInstaller = async (api: KubernetesApi, ownNamespace: string): Promise<AskedRights> =>
  ask(INSTALLER_RIGHTS, 'you', ownNamespace, async (resourceAttributes) => api.create(RESOURCES.selfSubjectAccessReviews, { metadata: {}, spec: { resourceAttributes } }))

async function ask (rights: readonly Right[], who: string, ownNamespace: string, review: (attributes: object) => Promise<unknown>): Promise<AskedRights> {
  const missing: MissingRight[] = []
  let asked = 0
  for (const { group, resource: path, name: pattern, verbs, where } of rights) {
    const [resource = '', subresource] = path.split('/')
    const name = pattern?.replace('{namespace}', ownNamespace)
    for (const verb of verbs) {
      const namespace = where === 'own' ? ownNamespace : ''
      const answer = await review({ group, resource, verb, ...(subresource !== undefined && { subresource }), ...(name !== undefined && { name }), ...(namespace !== '' && { namespace }) })
      asked++
      if (!Review.Check(answer) || !answer.status.allowed) missing.push({ who, verb, resource: [group === '' ? resource : `${resource}.${group}`, subresource, name].filter((part) => part !== undefined).join('/'), namespace })
    }
  }
  return { missing, asked }
}
