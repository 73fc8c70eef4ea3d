import type { Condition, Expression, Operand } from './condition.ts'
import { checkComparison, knownFact } from './check-types.ts'
import { OPERATORS, tokenize, type Fault, type Token } from './lexer.ts'

const MAX_CHARACTERS = 4096
const MAX_COMPARISONS = 128
const MAX_DEPTH = 16
const MAX_FAULTS = 20

export type ParsedCondition =
  | { readonly ok: true, readonly condition: Condition }
  | { readonly ok: false, readonly faults: readonly Fault[] }

/**
 * Grammar, weakest first (keywords in any case):
 *
 *     either     = all { OR all }
 *     all        = single { AND single }
 *     single     = NOT single | "(" either ")" | comparison
 *     comparison = operand operator operand
 *                | fact [ NOT ] BETWEEN operand AND operand
 *                | fact [ NOT ] IN "(" operand { "," operand } ")"
 *     operand    = fact | number | text
 *
 * Types are checked here, so evaluation cannot fail. Stops at the first fault of grammar; faults of meaning are all reported.
 */
export function parseCondition (text: string): ParsedCondition {
  if (text.length > MAX_CHARACTERS) {
    return { ok: false, faults: [{ offset: 0, message: `has ${text.length} characters`, mend: `Use at most ${MAX_CHARACTERS}` }] }
  }
  const lexed = tokenize(text)
  if (!lexed.ok) return { ok: false, faults: [lexed.fault] }
  const parser = new Parser(lexed.tokens)
  const expression = parser.whole()
  if (expression === null || parser.faults.length > 0) return { ok: false, faults: parser.faults }
  return { ok: true, condition: { text, expression } }
}

/** Every method returns null where the grammar broke; the fault is then in `faults`. */
class Parser {
  readonly faults: Fault[] = []
  readonly #tokens: readonly Token[]
  #position = 0
  #depth = 0
  #comparisons = 0

  constructor (tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole (): Expression | null {
    const expression = this.#either()
    if (expression === null) return null
    const rest = this.#next
    if (rest.type === 'end') return expression
    return this.#broken(rest, `${show(rest)} is left over`, rest.text === ')' ? 'Remove it, or open a bracket before it' : 'Join the comparisons with AND or OR')
  }

  #either (): Expression | null {
    return this.#joined('or', 'OR', () => this.#all())
  }

  #all (): Expression | null {
    return this.#joined('and', 'AND', () => this.#single())
  }

  #joined (type: 'and' | 'or', keyword: string, part: () => Expression | null): Expression | null {
    const terms: Expression[] = []
    do {
      const term = part()
      if (term === null) return null
      terms.push(term)
    } while (this.#takeKeyword(keyword))
    const [only, ...others] = terms
    return only !== undefined && others.length === 0 ? only : { type, terms }
  }

  #single (): Expression | null {
    const token = this.#next
    const opens = token.type === 'mark' && token.text === '('
    if (!opens && !isKeyword(token, 'NOT')) return this.#comparison()
    this.#position++
    if (++this.#depth > MAX_DEPTH) return this.#broken(token, `is nested more than ${MAX_DEPTH} deep`, 'Write it flatter')
    const term = opens ? this.#either() : this.#single()
    this.#depth--
    if (term === null) return null
    if (!opens) return { type: 'not', term }
    return this.#takeMark(')', 'the bracket is not closed') ? term : null
  }

  #comparison (): Expression | null {
    const token = this.#next
    if (++this.#comparisons > MAX_COMPARISONS) return this.#broken(token, `has more than ${MAX_COMPARISONS} comparisons`, 'Split the rule')
    const left = this.#operand('a fact such as features.bytes_sent')
    if (left === null) return null
    const operator = OPERATORS.find((known) => this.#next.type === 'operator' && this.#next.text === known)
    if (operator !== undefined) {
      this.#position++
      const right = this.#operand('a number, a text in quotes or a fact')
      return right === null ? null : this.#checked(token, checkComparison(left, operator, right))
    }
    const negated = this.#takeKeyword('NOT')
    const ranged = this.#range(token, left)
    return ranged !== null && negated ? { type: 'not', term: ranged } : ranged
  }

  #range (start: Token, left: Operand): Expression | null {
    if (this.#takeKeyword('BETWEEN')) {
      const low = this.#operand('the lower bound')
      if (low === null) return null
      if (!this.#takeKeyword('AND')) return this.#broken(this.#next, `${show(this.#next)} stands where AND belongs`, 'Write: between 9 and 17')
      const high = this.#operand('the upper bound')
      return high === null ? null : this.#checked(start, checkComparison(left, 'between', low, high))
    }
    if (this.#takeKeyword('IN')) {
      const choices = this.#choices()
      return choices === null ? null : this.#checked(start, checkComparison(left, 'in', ...choices))
    }
    return this.#broken(this.#next, `${show(this.#next)} stands where a comparison belongs`, `Use one of: ${OPERATORS.join(' ')} between in`)
  }

  #choices (): readonly Operand[] | null {
    if (!this.#takeMark('(', 'a list begins with a bracket')) return null
    const choices: Operand[] = []
    do {
      const choice = this.#operand('a number or a text in quotes')
      if (choice === null) return null
      choices.push(choice)
      this.#comparisons++
    } while (this.#takeIf(','))
    return this.#takeMark(')', 'the list is not closed') ? choices : null
  }

  #operand (wanted: string): Operand | null {
    const token = this.#next
    switch (token.type) {
      case 'number':
      case 'text':
        this.#position++
        return { literal: token.value }
      case 'name': {
        this.#position++
        const fault = knownFact(token.text)
        if (fault !== null) this.#note(token.offset, fault)
        return { fact: token.text }
      }
      case 'keyword':
      case 'operator':
      case 'mark':
      case 'end':
        return this.#broken(token, `${show(token)} stands where ${wanted} belongs`, `Write ${wanted} there`)
    }
  }

  #checked (start: Token, checked: ReturnType<typeof checkComparison>): Expression {
    for (const fault of checked.faults) this.#note(start.offset, fault)
    return checked.expression
  }

  get #next (): Token {
    // The last token is `end`, and nothing steps past it.
    return this.#tokens[this.#position] ?? { type: 'end', offset: 0, text: '' }
  }

  #takeKeyword (keyword: string): boolean {
    const found = isKeyword(this.#next, keyword)
    if (found) this.#position++
    return found
  }

  #takeIf (mark: string): boolean {
    const found = this.#next.type === 'mark' && this.#next.text === mark
    if (found) this.#position++
    return found
  }

  #takeMark (mark: string, complaint: string): boolean {
    if (this.#takeIf(mark)) return true
    this.#broken(this.#next, `${complaint}: ${show(this.#next)} stands where ${mark} belongs`, `Write ${mark} there`)
    return false
  }

  #note (offset: number, fault: Omit<Fault, 'offset'>): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push({ offset, ...fault })
  }

  #broken (token: Token, message: string, mend: string): null {
    this.#note(token.offset, { message, mend })
    return null
  }
}

function isKeyword (token: Token, keyword: string): boolean {
  return token.type === 'keyword' && token.text.toUpperCase() === keyword
}

const show = (token: Token): string => token.type === 'end' ? 'the end' : JSON.stringify(token.text.slice(0, 40))
