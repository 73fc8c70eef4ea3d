import { ParseError, type TypeError as CelTypeError, type ASTNode } from '@marcbachmann/cel-js'
import { mendWord } from '../../nearest.ts'
import { checkComparison } from '../check-types.ts'
import type { Expression, Operand } from '../condition.ts'
import { FACT_NAMES } from '../facts.ts'
import { OPERATORS, type Fault } from '../lexer.ts'
import type { ParsedCondition } from '../parse-condition.ts'
import { checkCost } from './check-cost.ts'
import { CEL, GROUPS } from './environment.ts'
import { writeCel } from './write-cel.ts'

const MAX_CHARACTERS = 4096

/**
 * Reads a condition in CEL over the same facts. Its comparisons of a fact with a literal become those of the other syntax,
 * with the same checks of their values; any other term is kept as CEL. Types are checked here, and the cost is bounded.
 */
export function parseCel (text: string): ParsedCondition {
  if (text.length > MAX_CHARACTERS) return refused({ offset: 0, message: `has ${text.length} characters`, mend: `Use at most ${MAX_CHARACTERS}` })
  const parsed = parse(text)
  if ('mend' in parsed) return refused(parsed)
  const checked = checkCost(parsed)
  if (!checked.ok) return refused(checked.fault)
  const faults: Fault[] = []
  const expression = expressionOf(parsed, faults)
  return faults.length === 0 ? { ok: true, condition: { text, expression } } : { ok: false, faults }
}

const refused = (...faults: Fault[]): ParsedCondition => ({ ok: false, faults })

function parse (text: string): ASTNode | Fault {
  try {
    const parsed = CEL.parse(text)
    const { valid, type, error } = parsed.check()
    if (!valid && error !== undefined) return faultOf(error, text)
    if (type !== 'bool') return { offset: 0, message: `comes to a value of type ${type ?? 'dyn'}`, mend: 'Write a comparison, such as features.bytes_sent > 10000000' }
    return parsed.ast
  } catch (thrown) {
    if (thrown instanceof ParseError) return faultOf(thrown, text)
    throw thrown
  }
}

/** What the parser's bounds count. */
const LIMITED: Readonly<Record<string, string>> = {
  AstNodes: 'words', Depth: 'brackets and dots inside one another', ListElements: 'values in a list', MapEntries: 'keys', CallArguments: 'arguments to a function',
}

function faultOf (error: ParseError | CelTypeError, text: string): Fault {
  const at = error.range?.start ?? 0
  const unknown = /^(?:Unknown variable|No such key): (\S+)$/.exec(error.summary)?.[1]
  if (unknown !== undefined) {
    const group = /\w+\.$/.exec(text.slice(0, at))?.[0] ?? ''
    return { offset: at - group.length, message: `${JSON.stringify(group + unknown)} is not a known fact`, mend: mendWord(group + unknown, FACT_NAMES) }
  }
  if (error.code === 'no_such_overload') return { offset: at, message: error.summary, mend: 'Compare numbers with numbers and texts with texts, and call a function on what it is for' }
  const limit = /^Exceeded max(\w+) \((\d+)\)$/.exec(error.summary)
  if (limit !== null) return { offset: at, message: `has more than ${limit[2] ?? ''} ${LIMITED[limit[1] ?? ''] ?? ''}`, mend: 'Split the rule' }
  return { offset: at, message: error.summary, mend: error instanceof ParseError ? 'Write it as CEL, such as features.bytes_sent > 10000000 && time.hour < 6' : 'Write a comparison of facts with numbers or texts' }
}

function expressionOf (ast: ASTNode, faults: Fault[]): Expression {
  if (ast.op === '&&' || ast.op === '||') {
    const terms = termsOf(ast, ast.op).map((term) => expressionOf(term, faults))
    return { type: ast.op === '&&' ? 'and' : 'or', terms }
  }
  if (ast.op === '!_') return { type: 'not', term: expressionOf(ast.args, faults) }
  return comparisonOf(ast, faults) ?? termOf(ast, faults)
}

function termsOf (ast: ASTNode, op: '&&' | '||'): readonly ASTNode[] {
  return ast.op === op ? ast.args.flatMap((term) => termsOf(term, op)) : [ast]
}

/** null where it is more than a fact beside literals or another fact. */
function comparisonOf (ast: ASTNode, faults: Fault[]): Expression | null {
  const operator = OPERATORS.find((known) => known === ast.op)
  if (operator === undefined && ast.op !== 'in') return null
  const [left, right] = ast.args as readonly [ASTNode, ASTNode]
  const choices = operator === undefined ? right.op === 'list' ? right.args : [] : [right]
  const operands = [left, ...choices].map(operandOf)
  const simple = operands.filter((operand) => operand !== null)
  const [first, ...others] = simple
  if (first === undefined || others.length === 0 || simple.length !== operands.length || !simple.some((operand) => 'fact' in operand)) return null
  if (operator === undefined && !('fact' in first)) return null
  const checked = checkComparison(first, operator ?? 'in', ...others)
  faults.push(...checked.faults.map((fault) => ({ offset: ast.start, ...fault })))
  return checked.expression
}

function operandOf (ast: ASTNode): Operand | null {
  const fact = factOf(ast)
  if (fact !== null) return { fact }
  if (ast.op !== 'value') return null
  const { args } = ast
  if (typeof args === 'bigint') return Number.isSafeInteger(Number(args)) ? { literal: Number(args) } : null
  return typeof args === 'number' || typeof args === 'string' ? { literal: args } : null
}

function factOf (ast: ASTNode): string | null {
  if (ast.op !== '.') return null
  const [left, name] = ast.args
  const fact = left.op === 'id' ? `${left.args}.${name}` : ''
  return FACT_NAMES.includes(fact) ? fact : null
}

function termOf (ast: ASTNode, faults: Fault[]): Expression {
  const facts = [...new Set(factsOf(ast, faults))].sort()
  if (facts.length === 0) faults.push({ offset: ast.start, message: 'asks for no fact, so it is always the same', mend: 'Remove it, or compare a fact such as features.bytes_sent' })
  return { type: 'cel', text: writeCel(ast), facts }
}

function factsOf (ast: ASTNode, faults: Fault[]): readonly string[] {
  const fact = factOf(ast)
  if (fact !== null) return [fact]
  if (ast.op === 'id' && GROUPS.includes(ast.args)) faults.push({ offset: ast.start, message: `names the whole of ${ast.args}`, mend: `Name one of its facts: ${FACT_NAMES.filter((name) => name.startsWith(`${ast.args}.`)).join(', ')}` })
  return childrenOf(ast).flatMap((child) => factsOf(child, faults))
}

function childrenOf ({ args }: ASTNode): readonly ASTNode[] {
  const all: readonly unknown[] = Array.isArray(args) ? args.flat() : [args]
  return all.filter(isNode)
}

const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value && 'toOldStructure' in value
