import type { NodeMatcher } from '../src/wire/gen/xds/envoy/type/matcher/v3/node_pb.js'

const MAX_MATCHERS = 100

/** Whether a node's id is meant, or what in the matchers is not understood. No matcher means everybody; of several, one is enough. */
export function readNodeMatchers (matchers: readonly NodeMatcher[]): ((nodeId: string) => boolean) | string {
  if (matchers.length > MAX_MATCHERS) return `node_matchers has ${matchers.length} items, more than ${MAX_MATCHERS}`
  const tests: ((nodeId: string) => boolean)[] = []
  for (const [at, matcher] of matchers.entries()) {
    const test = readOne(matcher)
    if (typeof test === 'string') return `node_matchers[${at}].${test}; node_id by exact, prefix, suffix or contains is`
    tests.push(test)
  }
  return matchers.length === 0 ? () => true : (nodeId) => tests.some((test) => test(nodeId))
}

function readOne ({ nodeId, nodeMetadatas }: NodeMatcher): ((nodeId: string) => boolean) | string {
  if (nodeMetadatas.length > 0) return 'node_metadatas is not served'
  if (nodeId === undefined) return () => true
  const { matchPattern: { case: kind, value }, ignoreCase } = nodeId
  if (kind === undefined) return 'node_id says nothing to match, and that is not served'
  if (kind === 'safeRegex' || kind === 'custom') return `node_id.${kind === 'safeRegex' ? 'safe_regex' : kind} is not served`
  const fold = (text: string): string => ignoreCase ? text.toLowerCase() : text
  const wanted = fold(value)
  switch (kind) {
    case 'exact': return (id) => fold(id) === wanted
    case 'prefix': return (id) => fold(id).startsWith(wanted)
    case 'suffix': return (id) => fold(id).endsWith(wanted)
    case 'contains': return (id) => fold(id).includes(wanted)
  }
}
