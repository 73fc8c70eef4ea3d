/** A word of a condition; `offset` counts characters from its start. */
export type Token = { readonly offset: number, readonly text: string } & (
  | { readonly type: 'number', readonly value: number }
  | { readonly type: 'text', readonly value: string }
  | { readonly type: 'name' | 'keyword' | 'operator' | 'mark' | 'end' }
)

export interface Fault { readonly offset: number, readonly message: string, readonly mend: string }

const KEYWORDS = ['AND', 'OR', 'NOT', 'IN', 'BETWEEN'] as const
export const OPERATORS = ['==', '!=', '<=', '>=', '<', '>'] as const

/** Other languages' spellings, refused with the one that is meant. */
const FOREIGN: Readonly<Record<string, string>> = { '=': '==', '&&': 'AND', '||': 'OR', '!': 'NOT', '===': '==', '!==': '!=', '<>': '!=' }

const NUMBER = /-?\d+(?:_\d+)*(?:\.\d+)?(?:[eE][+-]?\d{1,3})?/y
const NAME = /[A-Za-z_][A-Za-z0-9_.]*/y
const TEXT = /"[^"\n]*"|'[^'\n]*'/y
const SYMBOL = /===|!==|<>|==|!=|<=|>=|&&|\|\||[<>=!()[\],]/y
const SPACE = /\s+/y

/** Never throws; stops at the first character that belongs to no word. The last token is always `end`. */
export function tokenize (text: string): { readonly ok: true, readonly tokens: readonly Token[] } | { readonly ok: false, readonly fault: Fault } {
  const tokens: Token[] = []
  let offset = 0
  while (offset < text.length) {
    const space = match(SPACE, text, offset)
    if (space !== null) {
      offset += space.length
      continue
    }
    const token = tokenAt(text, offset)
    if ('mend' in token) return { ok: false, fault: token }
    tokens.push(token)
    offset += token.text.length
  }
  tokens.push({ type: 'end', offset, text: '' })
  return { ok: true, tokens }
}

function match (pattern: RegExp, text: string, offset: number): string | null {
  pattern.lastIndex = offset
  return pattern.exec(text)?.[0] ?? null
}

function tokenAt (text: string, offset: number): Token | Fault {
  const digits = match(NUMBER, text, offset)
  if (digits !== null) return numberAt(text, offset, digits)
  const name = match(NAME, text, offset)
  if (name !== null) {
    const keyword = KEYWORDS.find((known) => known === name.toUpperCase())
    return keyword === undefined ? { type: 'name', offset, text: name } : { type: 'keyword', offset, text: name }
  }
  const quoted = match(TEXT, text, offset)
  if (quoted !== null) return { type: 'text', offset, text: quoted, value: quoted.slice(1, -1) }
  const symbol = match(SYMBOL, text, offset)
  if (symbol === null) return strayAt(text, offset)
  const meant = FOREIGN[symbol]
  if (meant !== undefined) return { offset, message: `${JSON.stringify(symbol)} is not an operator here`, mend: `Write ${meant}` }
  const isOperator = OPERATORS.some((operator) => operator === symbol)
  return { type: isOperator ? 'operator' : 'mark', offset, text: symbol }
}

function numberAt (text: string, offset: number, digits: string): Token | Fault {
  const value = Number(digits.replaceAll('_', ''))
  const tail = match(NAME, text, offset + digits.length)
  if (tail !== null) return { offset, message: `${JSON.stringify(digits + tail)} is not a number`, mend: 'Write the number in full, without a unit' }
  if (!Number.isFinite(value)) return { offset, message: `${digits} is too large`, mend: 'Write a smaller number' }
  return { type: 'number', offset, text: digits, value }
}

function strayAt (text: string, offset: number): Fault {
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0)
  if (character === '"' || character === "'") return { offset, message: 'a text is not closed', mend: `Close it with ${character} on the same line` }
  return { offset, message: `${JSON.stringify(character)} does not belong here`, mend: 'Remove it' }
}
