import { AutoshieldError } from '../../core/errors.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { pathOf, phraseOf } from '../../core/kubernetes/path.ts'
import { isRecord, readObject } from '../../core/kubernetes/read-object.ts'
import type { Resource } from '../../core/kubernetes/resource.ts'
import type { Scope } from '../../ports/kubernetes.ts'
import { fromAnswer, type Asked } from './foreign-error.ts'
import type { Transport } from './transport.ts'

export interface Listed<T> {
  readonly objects: readonly T[]
  /** A watch goes on from here. */
  readonly resourceVersion: string
}

/** client-go's page: a list of 10,000 pods neither blocks the API server nor fills our memory at once. */
const PAGE = 500
/** A page's token is good for some minutes only; then the list has to begin anew. */
const ATTEMPTS = 3

export const askedOf = (verb: string, resource: Resource, at: { readonly namespace?: string | undefined, readonly name?: string, readonly subresource?: string | undefined }): Asked => ({
  verb,
  resource: `${resource.plural}${resource.group === '' ? '' : `.${resource.group}`}${at.subresource === undefined ? '' : `/${at.subresource}`}`,
  phrase: phraseOf(resource, at),
})

export const selectorsOf = ({ labelSelector, fieldSelector }: Scope): Record<string, string> => ({
  ...(labelSelector !== undefined && { labelSelector }),
  ...(fieldSelector !== undefined && { fieldSelector }),
})

/** All objects of a scope, page by page; `read` is applied to each as it comes, and only what it gives is kept. */
export async function listObjects<T> (transport: Transport, resource: Resource, scope: Scope, read: (object: KubernetesObject) => T): Promise<Listed<T>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const listed = await listOnce(transport, resource, scope, read)
    if (listed !== null) return listed
  }
  throw new AutoshieldError('UNAVAILABLE', `${transport.server} lost its place ${ATTEMPTS} times while it listed ${resource.plural}: try again when it has less to do.`)
}

/** Null where the API server forgot the page that it promised. */
async function listOnce<T> (transport: Transport, resource: Resource, scope: Scope, read: (object: KubernetesObject) => T): Promise<Listed<T> | null> {
  const objects: T[] = []
  const path = pathOf(resource, scope)
  for (let page = ''; ;) {
    const answer = await transport.send({
      method: 'GET', path, query: { ...selectorsOf(scope), limit: String(PAGE), ...(page !== '' && { continue: page }) }, repeatable: true,
    })
    if (answer.status === 410) return null
    if (answer.status !== 200) throw fromAnswer(answer, askedOf('list', resource, scope), transport.server)
    const { items, next, resourceVersion } = readPage(answer.text, resource)
    for (const item of items) objects.push(read(readObject(item, resource)))
    if (next === '') return { objects, resourceVersion }
    page = next
  }
}

function readPage (text: string, resource: Resource): { items: readonly unknown[], next: string, resourceVersion: string } {
  const list = parseJson(text, resource)
  const metadata = isRecord(list) && isRecord(list['metadata']) ? list['metadata'] : null
  const items = isRecord(list) ? list['items'] ?? [] : null
  if (metadata === null || !Array.isArray(items)) {
    throw new AutoshieldError('BAD_DATA', `The API server sent no list of ${resource.plural}: is the address that of a Kubernetes API server?`)
  }
  return { items, next: textAt(metadata, 'continue'), resourceVersion: textAt(metadata, 'resourceVersion') }
}

/** Empty where there is none: the last page has no successor. */
function textAt (record: Readonly<Record<string, unknown>>, field: string): string {
  const value = record[field]
  return typeof value === 'string' ? value : ''
}

/** Throws BAD_DATA: a proxy between us may answer anything. */
export function parseJson (text: string, resource: Resource): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AutoshieldError('BAD_DATA', `The API server answered for ${resource.plural} with something that is no JSON: is the address that of a Kubernetes API server?`, { cause })
  }
}
