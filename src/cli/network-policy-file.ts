import { parseAllDocuments } from 'yaml'
import { AutoshieldError } from '../core/errors.ts'
import { isRecord } from '../core/kubernetes/read-object.ts'
import type { Policy } from '../core/plan/reach/policy.ts'
import { readPolicy } from '../core/plan/reach/read-policy.ts'

/** The NetworkPolicies of a YAML text with any number of documents, lists of kubectl's among them. Throws BAD_DATA with the file and the mend. */
export function networkPoliciesIn (text: string, file: string): Policy[] {
  const objects = [...parseAllDocuments(text)].flatMap((document) => {
    const [problem] = document.errors
    if (problem !== undefined) throw new AutoshieldError('BAD_DATA', `${file}: ${problem.message}`, { cause: problem })
    const object: unknown = document.toJS({ maxAliasCount: 100 })
    return isRecord(object) && Array.isArray(object['items']) ? object['items'] as unknown[] : [object]
  }).filter((object) => object !== null)
  return objects.map((object) => {
    if (!isRecord(object) || object['kind'] !== 'NetworkPolicy' || object['apiVersion'] !== 'networking.k8s.io/v1') {
      const kind = isRecord(object) ? `${String(object['apiVersion'])} ${String(object['kind'])}` : 'no object'
      throw new AutoshieldError('BAD_DATA', `${file} holds ${kind}: give NetworkPolicies of networking.k8s.io/v1 alone.`)
    }
    return readPolicy(object)
  })
}
