import { type Document, isAlias, isCollection, isMap, isNode, isSeq, type Node, parseDocument, stringify, type YAMLMap, type YAMLSeq, YAMLMap as Map_, isScalar } from 'yaml'
import type { Operation } from '../../webhook/inject/patch.ts'
import { AutoshieldError } from '../core/errors.ts'

type Key = string | number

/** Operations on what lies at a path of a document. */
export interface NodeEdit {
  readonly subject: { readonly path: readonly Key[] }
  readonly operations: readonly Operation[]
}

/** Does RFC 6902 operations on the nodes of a YAML document: comments, order and the writing of every other value stay. */
export function editDocument (document: Document, edits: readonly NodeEdit[]): void {
  for (const { subject, operations } of edits) {
    for (const operation of operations) {
      const path = [...subject.path, ...operation.path.split('/').slice(1).map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))]
      const key = path.at(-1) ?? ''
      const holder = reach(document, path.slice(0, -1))
      switch (operation.op) {
        case 'add': put(holder, key, nodeOf(operation.value), true); break
        case 'replace': put(holder, key, nodeOf(operation.value), false); break
        case 'remove': holder.delete(isSeq(holder) ? Number(key) : key); break
        case 'move': case 'copy': case 'test': throw new AutoshieldError('INTERNAL', `operation ${operation.op} is not made by patchOf`)
      }
    }
  }
}

/** The collection at `path`. Metadata that is missing or null is made; an alias on the way is written out, or its anchor would change with it. */
function reach (document: Document, path: readonly Key[]): YAMLMap | YAMLSeq {
  let holder = asCollection(document, document.contents) ?? notThere(path)
  for (const key of path) {
    const at = isSeq(holder) ? Number(key) : key
    const present: unknown = holder.get(at, true)
    let next = asCollection(document, present)
    if (next === undefined) {
      if (key !== 'metadata' || isSeq(holder) || holder.has('<<') || !(present === undefined || (isScalar(present) && (present.value === null || present.value === 'null' || present.value === '~')))) notThere(path)
      next = new Map_()
    }
    if (next !== present) holder.set(at, next)
    holder = next
  }
  return holder
}

function notThere (path: readonly Key[]): never {
  throw new AutoshieldError('BAD_DATA', `the manifest has no ${path.join('.')} of its own to write into; expand merge keys (<<) there first.`)
}

function asCollection (document: Document, value: unknown): YAMLMap | YAMLSeq | undefined {
  const node = isAlias(value) ? value.resolve(document)?.clone() as Node | undefined : value
  if (isAlias(value) && isNode(node) && 'anchor' in node) Reflect.deleteProperty(node, 'anchor')
  return isCollection(node) && (isMap(node) || isSeq(node)) ? node : undefined
}

function put (holder: YAMLMap | YAMLSeq, key: Key, node: Node, insert: boolean): void {
  if (isMap(holder)) {
    holder.set(key, node)
    return
  }
  const at = key === '-' ? holder.items.length : Number(key)
  const [first] = holder.items
  if (at === 0 && insert && isNode(first) && holder.commentBefore != null) { // a comment above the list is about what was its first element
    first.commentBefore = holder.commentBefore
    delete holder.commentBefore
  }
  holder.items.splice(at, insert ? 0 : 1, node)
}

/** Quoted where another reader, of YAML 1.1 or 1.2, would take the text for something else. */
function nodeOf (value: unknown): Node {
  const { contents } = parseDocument(stringify(value, { version: '1.1', lineWidth: 0 }), { schema: 'failsafe' })
  if (contents === null) throw new AutoshieldError('INTERNAL', 'a value of the patch has no YAML')
  return contents
}
