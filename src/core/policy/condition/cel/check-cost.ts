import type { ASTNode } from '@marcbachmann/cel-js'
import type { Fault } from '../lexer.ts'

/** Each is linear in texts and lists that are bounded. `matches` is not: a pattern may take a time that nobody can bound. */
const FUNCTIONS = ['has', 'size', 'startsWith', 'endsWith', 'contains', 'lowerAscii', 'int', 'double'] as const
/** They go through a list, and their cost is its length times that of their predicate. */
const QUANTIFIERS = ['all', 'exists', 'exists_one'] as const

/** Steps of one evaluation at most; a step is one node of the text. */
export const MAX_COST = 10_000

/** What an evaluation may cost at most, or the first place where it has no bound or a word that is not for conditions. */
export function checkCost (ast: ASTNode): { readonly ok: true } | { readonly ok: false, readonly fault: Fault } {
  const found = costOf(ast)
  if (typeof found !== 'number') return { ok: false, fault: found }
  if (found <= MAX_COST) return { ok: true }
  return { ok: false, fault: { offset: ast.start, message: `may take ${found} steps, more than ${MAX_COST}`, mend: 'Use shorter lists, or fewer of them inside one another' } }
}

function costOf (ast: ASTNode): number | Fault {
  switch (ast.op) {
    case 'value': return 1
    case 'id': return 1
    case '.': return sum([ast.args[0]])
    case '!_':
    case '-_': return sum([ast.args])
    case 'list':
    case '?:': return sum(ast.args)
    case '||': case '&&': case '!=': case '==': case 'in': case '+': case '-': case '*': case '/': case '%': case '<': case '<=': case '>': case '>=':
      return sum(ast.args)
    case 'call': {
      const [name, args] = ast.args
      return isOneOf(FUNCTIONS, name) ? sum(args) : unknownFunction(ast, name)
    }
    case 'rcall': {
      const [name, receiver, args] = ast.args
      if (isOneOf(FUNCTIONS, name)) return sum([receiver, ...args])
      if (!isOneOf(QUANTIFIERS, name)) return unknownFunction(ast, name)
      if (receiver.op !== 'list') return { offset: receiver.start, message: `${name} goes through a list that is not written out`, mend: 'Write the list in square brackets before it' }
      const [list, predicate] = [sum([receiver]), sum(args)]
      return typeof list !== 'number' ? list : typeof predicate !== 'number' ? predicate : list + receiver.args.length * predicate
    }
    case 'map': case '[]': case '[?]': case '.?':
      return { offset: ast.start, message: 'maps and indexes are not for conditions', mend: 'Name a fact by its dots, such as source.name' }
  }
}

function sum (nodes: readonly ASTNode[]): number | Fault {
  let total = 1
  for (const node of nodes) {
    const cost = costOf(node)
    if (typeof cost !== 'number') return cost
    total += cost
  }
  return total
}

const isOneOf = (names: readonly string[], name: string): boolean => names.includes(name)

const unknownFunction = (ast: ASTNode, name: string): Fault =>
  ({ offset: ast.start, message: `${name}() is not for conditions`, mend: `Use ${[...FUNCTIONS, ...QUANTIFIERS].join(', ')}` })
