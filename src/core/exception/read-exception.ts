import { Compile } from 'typebox/compile'
import { parseBlock } from '../plan/reach/address-block.ts'
import { ExceptionSpec, MAX_EXCEPTION_DAYS, type Whom } from './exception.ts'

export type ReadException =
  | { readonly ok: true, readonly spec: ExceptionSpec }
  /** Each names the place, what is wrong there, and the mend. */
  | { readonly ok: false, readonly problems: readonly string[] }

const MAX_PROBLEMS = 10
const MAX_MS = MAX_EXCEPTION_DAYS * 86_400_000
const check = Compile(ExceptionSpec)

/** The spec of an exception as somebody wrote it, made at `createdAt` (ISO 8601). */
export function readExceptionSpec (value: unknown, createdAt: string): ReadException {
  if (!check.Check(value)) {
    const problems = [...check.Errors(value)].map(({ instancePath, message }) => `spec${instancePath.replaceAll('/', '.')}: ${message}`)
    return { ok: false, problems: [...new Set(problems)].slice(0, MAX_PROBLEMS) }
  }
  const problems = [...contradictions(value), ...lateEnd(value, createdAt)]
  return problems.length === 0 ? { ok: true, spec: value } : { ok: false, problems }
}

/** What the schema cannot say; the definition in the cluster says as much of it in CEL as that can. */
function contradictions ({ source, target, classes }: ExceptionSpec): string[] {
  return [
    ...(source === undefined && target === undefined ? ['spec: names neither source nor target, so it would cover everybody: name one'] : []),
    ...(classes.includes('BENIGN') ? ['spec.classes: BENIGN is no attack: take it out'] : []),
    ...badBlock('source', source),
    ...badBlock('target', target),
  ]
}

function badBlock (end: string, whom: Whom | undefined): string[] {
  if (whom?.cidr === undefined) return []
  const block = parseBlock(whom.cidr)
  if (block === null) return [`spec.${end}.cidr: ${JSON.stringify(whom.cidr)} is no block of addresses: write one such as 10.1.0.0/16`]
  return whom.cidr.endsWith('/0') ? [`spec.${end}.cidr: ${whom.cidr} is everybody: name a smaller block`] : []
}

function lateEnd ({ until }: ExceptionSpec, createdAt: string): string[] {
  const longest = Date.parse(createdAt) + MAX_MS
  if (Date.parse(until) <= longest) return []
  return [`spec.until: ${until} is more than ${MAX_EXCEPTION_DAYS} days after it was made: end it by ${new Date(longest).toISOString()}, and make another then if it is still needed`]
}
