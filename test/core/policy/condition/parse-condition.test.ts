import t from 'tap'
import { parseCondition } from '../../../../src/core/policy/condition/parse-condition.ts'

/** The tree as text with every bracket, so that a test can read how words were joined. */
function shape (text: string): string {
  const parsed = parseCondition(text)
  if (!parsed.ok) return parsed.faults.map(({ offset, message }) => `${offset}: ${message}`).join('; ')
  return render(parsed.condition.expression)
}

type Expression = Extract<ReturnType<typeof parseCondition>, { ok: true }>['condition']['expression']
type Operand = Extract<Expression, { type: 'compare' }>['right']
const show = (operand: Operand): string => 'fact' in operand ? operand.fact : JSON.stringify(operand.literal)

function render (expression: Expression): string {
  switch (expression.type) {
    case 'and': return `(${expression.terms.map(render).join(' AND ')})`
    case 'or': return `(${expression.terms.map(render).join(' OR ')})`
    case 'not': return `NOT ${render(expression.term)}`
    case 'compare': return `${expression.fact} ${expression.operator} ${show(expression.right)}`
    case 'between': return `${expression.fact} in [${show(expression.low)}, ${show(expression.high)}]`
    case 'in': return `${expression.fact} in {${expression.choices.map(show).join(', ')}}`
    case 'cel': return expression.text
  }
}

t.test('words bind as people read them', (t) => {
  const table: [string, string][] = [
    ['features.syn_count > 1', 'features.syn_count > 1'],
    ['time.hour > 1 OR time.hour < 2 AND time.day == 3', '(time.hour > 1 OR (time.hour < 2 AND time.day == 3))'],
    ['(time.hour > 1 OR time.hour < 2) AND time.day == 3', '((time.hour > 1 OR time.hour < 2) AND time.day == 3)'],
    ['NOT time.hour > 1 AND time.day == 3', '(NOT time.hour > 1 AND time.day == 3)'],
    ['not (time.hour > 1 and time.day == 3)', 'NOT (time.hour > 1 AND time.day == 3)'],
    ['NOT NOT time.hour > 1', 'NOT NOT time.hour > 1'],
    ['time.hour between 9 and 17 and time.day == 3', '(time.hour in [9, 17] AND time.day == 3)'],
    ['time.hour NOT BETWEEN 9 AND 17', 'NOT time.hour in [9, 17]'],
    ['time.weekday in ("monday", \'friday\')', 'time.weekday in {"monday", "friday"}'],
    ['source.name not in ("a")', 'NOT source.name in {"a"}'],
    ['10 < features.syn_count', 'features.syn_count > 10'],
    ['"shop" == source.namespace', 'source.namespace == "shop"'],
    ['features.bytes_sent > features.bytes_received', 'features.bytes_sent > features.bytes_received'],
    ['features.bytes_sent > 10_000_000', 'features.bytes_sent > 10000000'],
    ['features.bytes_sent > 1e7', 'features.bytes_sent > 10000000'],
    ['((time.hour > 1))', 'time.hour > 1'],
  ]
  for (const [text, wanted] of table) t.equal(shape(text), wanted, text)
  t.end()
})

t.test('what is not a condition is refused at the character where it goes wrong', (t) => {
  const table: [string, string][] = [
    ['', '0: the end stands where a fact such as features.bytes_sent belongs'],
    ['features.syn_count', '18: the end stands where a comparison belongs'],
    ['features.syn_count >', '20: the end stands where a number, a text in quotes or a fact belongs'],
    ['features.syn_count > 1 features', '23: "features" is left over'],
    ['features.syn_count > 1 AND', '26: the end stands where a fact such as features.bytes_sent belongs'],
    ['(features.syn_count > 1', '23: the bracket is not closed: the end stands where ) belongs'],
    ['features.syn_count > 1)', '22: ")" is left over'],
    ['features.syn_count = 1', '19: "=" is not an operator here'],
    ['features.syn_count > 1 && time.hour > 1', '23: "&&" is not an operator here'],
    ['features.syn_count > 10MB', '21: "10MB" is not a number'],
    ['features.syn_count > 0x10', '21: "0x10" is not a number'],
    ['source.name == "a', '15: a text is not closed'],
    ['source.name == `a`', '15: "`" does not belong here'],
    ['time.hour between 9, 17', '19: "," stands where AND belongs'],
    ['time.hour in 9', '13: a list begins with a bracket: "9" stands where ( belongs'],
    ['time.hour in (9', '15: the list is not closed: the end stands where ) belongs'],
    ['time.hour in ()', '14: ")" stands where a number or a text in quotes belongs'],
    ['features.constructor > 1', '0: "features.constructor" is not a known fact'],
    ['__proto__ > 1', '0: "__proto__" is not a known fact'],
    ['features.syn_count > "5"', '0: features.syn_count is a number, "5" is not'],
    ['source.name == 5', '0: source.name is a text, 5 is not'],
    ['source.name > "a"', '0: source.name is a text and has no order'],
    ['features.syn_count == source.name', '0: features.syn_count is a number and source.name a text'],
    ['5 > 4', '0: compares no fact with anything'],
    ['5 in (5)', '0: compares no fact with anything'],
    ['time.hour between 17 and 9', '0: begins above its end, so it is never true'],
    ['time.hour == 24', '0: time.hour is never 24'],
    ['features.failed_conn_ratio > 10', '0: features.failed_conn_ratio is never 10'],
    ['features.syn_count > -1', '0: features.syn_count is never -1'],
    ['time.weekday == "Monday"', '0: time.weekday is never "Monday"'],
    ['features.a > 1 OR features.b > 1', '0: "features.a" is not a known fact; 18: "features.b" is not a known fact'],
  ]
  for (const [text, wanted] of table) t.equal(shape(text), wanted, text)
  t.end()
})

t.test('size and depth are bounded', (t) => {
  const many = (count: number): string => Array.from({ length: count }, () => 'time.hour > 1').join(' OR ')
  t.equal(parseCondition(many(128)).ok, true)
  t.match(shape(many(129)), /more than 128 comparisons/)
  t.match(shape(`time.hour in (${Array.from({ length: 129 }, () => '1').join(', ')}) OR time.hour > 1`), /more than 128 comparisons/)
  t.equal(parseCondition(`${'('.repeat(16)}time.hour > 1${')'.repeat(16)}`).ok, true)
  t.match(shape(`${'('.repeat(17)}time.hour > 1${')'.repeat(17)}`), /nested more than 16 deep/)
  t.match(shape(`${'NOT '.repeat(17)}time.hour > 1`), /nested more than 16 deep/)
  t.match(shape(' '.repeat(4097)), /has 4097 characters/)
  t.end()
})
