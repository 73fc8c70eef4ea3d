import type { ASTNode } from '@marcbachmann/cel-js'
import { AutoshieldError } from '../../../errors.ts'

/** How tightly an operator binds, weakest first; what is not here binds tightest. */
const LEVELS: Readonly<Record<string, number>> = {
  '?:': 0, '||': 1, '&&': 2, '==': 3, '!=': 3, '<': 4, '<=': 4, '>': 4, '>=': 4, in: 4, '+': 5, '-': 5, '*': 6, '/': 6, '%': 6, '!_': 7, '-_': 7,
}
const TIGHTEST = 8
const levelOf = ({ op }: ASTNode): number => LEVELS[op] ?? TIGHTEST

/**
 * The canonical text of a tree that `checkCost` let through: no bracket that is not needed, so it is never nested deeper than
 * its source. The library's own writer drops brackets around the condition of a `?:` and digits of a number.
 */
export function writeCel (ast: ASTNode): string {
  switch (ast.op) {
    case 'value': return literal(ast.args)
    case 'id': return ast.args
    case '.': return `${within(ast.args[0], TIGHTEST)}.${ast.args[1]}`
    case '!_': return `!${within(ast.args, levelOf(ast))}`
    case '-_': return `-${within(ast.args, levelOf(ast))}`
    case 'list': return `[${listed(ast.args)}]`
    case 'call': return `${ast.args[0]}(${listed(ast.args[1])})`
    case 'rcall': return `${within(ast.args[1], TIGHTEST)}.${ast.args[0]}(${listed(ast.args[2])})`
    case '?:': {
      const [condition, yes, no] = ast.args
      return `${within(condition, 1)} ? ${within(yes, 0)} : ${within(no, 0)}`
    }
    case 'map': case '[]': case '[?]': case '.?': throw new AutoshieldError('INTERNAL', `${ast.op} is not let through.`)
    case '||': case '&&': case '!=': case '==': case 'in': case '+': case '-': case '*': case '/': case '%': case '<': case '<=': case '>': case '>=': {
      const [left, right] = ast.args
      return `${within(left, levelOf(ast))} ${ast.op} ${within(right, levelOf(ast) + 1)}`
    }
  }
}

const within = (ast: ASTNode, level: number): string => levelOf(ast) < level ? `(${writeCel(ast)})` : writeCel(ast)
const listed = (nodes: readonly ASTNode[]): string => nodes.map(writeCel).join(', ')

function literal (value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value)
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
