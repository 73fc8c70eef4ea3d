import t from 'tap'
import { canonicalRule } from '../../../../../src/core/policy/canonical-rule.ts'
import { parseCel } from '../../../../../src/core/policy/condition/cel/parse-cel.ts'
import { evaluate } from '../../../../../src/core/policy/condition/evaluate.ts'
import { exactly, type FactValue } from '../../../../../src/core/policy/condition/fact-value.ts'
import { parseCondition } from '../../../../../src/core/policy/condition/parse-condition.ts'
import { parsePolicy } from '../../../../../src/core/policy/parse-policy.ts'

const word = (text: string): FactValue => ({ type: 'text', text })
const atLeast = (low: number): FactValue => ({ type: 'number', low, high: Infinity })

function judge (text: string, facts: Readonly<Record<string, FactValue>>) {
  const parsed = parseCel(text)
  if (!parsed.ok) throw new Error(`${text}: ${JSON.stringify(parsed.faults)}`)
  return evaluate(parsed.condition.expression, (fact) => facts[fact] ?? { type: 'unknown', why: 'nobody looked' })
}

function expressionOf (parsed: ReturnType<typeof parseCondition>) {
  return parsed.ok ? parsed.condition.expression : parsed.faults
}

t.test('a comparison of a fact says the same as in the other syntax', (t) => {
  const table: [string, string][] = [
    ['features.bytes_sent > 10000000 && time.hour < 6', 'features.bytes_sent > 10000000 AND time.hour < 6'],
    ['features.bytes_sent > 1e7 || !(time.hour >= 6 && time.day != 1) || time.month == 2', 'features.bytes_sent > 1e7 OR NOT (time.hour >= 6 AND time.day != 1) OR time.month == 2'],
    ['source.namespace in ["shop", \'web\']', 'source.namespace in ("shop", "web")'],
    ['6 > time.hour', 'time.hour < 6'],
    ['features.bytes_sent > features.bytes_received', 'features.bytes_sent > features.bytes_received'],
    ['detection.confidence >= 0.95', 'detection.confidence >= 0.95'],
  ]
  for (const [cel, other] of table) t.strictSame(expressionOf(parseCel(cel)), expressionOf(parseCondition(other)), cel)
  t.end()
})

t.test('what is more than a comparison is judged as CEL, and says on what', (t) => {
  const facts = { 'features.bytes_sent': exactly(9000), 'features.flow_count': exactly(3), 'features.syn_count': atLeast(40), 'source.name': word('db-0'), 'time.hour': exactly(8), 'detection.confidence': exactly(0.5) }
  const table: [string, boolean | 'unknown', string][] = [
    ['features.bytes_sent / features.flow_count > 1000.0', true, 'features.bytes_sent / features.flow_count > 1000.0 holds, as features.bytes_sent is 9,000 and features.flow_count is 3'],
    ['source.name.startsWith("web-")', false, 'source.name.startsWith("web-") does not hold, as source.name is "db-0"'],
    ['["db-", "mq-"].exists(p, source.name.startsWith(p))', true, '["db-", "mq-"].exists(p, source.name.startsWith(p)) holds, as source.name is "db-0"'],
    ['time.hour % 2 == 0 ? features.bytes_sent > 10 : false', true, 'time.hour % 2 == 0 ? features.bytes_sent > 10 : false holds, as features.bytes_sent is 9,000 and time.hour is 8'],
    ['detection.confidence + 0.25 > 0.5', true, 'detection.confidence + 0.25 > 0.5 holds, as detection.confidence is 0.5'],
    ['features.syn_count * 2 > 60', true, 'features.syn_count * 2 > 60 holds, as features.syn_count is at least 40'],
    ['features.syn_count * 2 > 100', 'unknown', 'features.syn_count * 2 > 100 has no answer (what was seen so far does not tell), as features.syn_count is at least 40'],
    ['features.bytes_sent / features.syn_count < 300', true, 'features.bytes_sent / features.syn_count < 300 holds, as features.bytes_sent is 9,000 and features.syn_count is at least 40'],
    ['features.bytes_sent / (features.flow_count - 3) > 1', 'unknown', 'features.bytes_sent / (features.flow_count - 3) > 1 has no answer (it divides by what may be 0), as features.bytes_sent is 9,000 and features.flow_count is 3'],
    ['target.name.startsWith("db")', 'unknown', 'target.name is not known: nobody looked'],
    ['!target.name.startsWith("db")', 'unknown', 'target.name is not known: nobody looked'],
    ['target.name.startsWith("db") || time.hour == 8', true, 'time.hour is 8, equal to 8'],
    ['(time.hour == 8 || target.name == "db") == true', true, '(time.hour == 8 || target.name == "db") == true holds, as target.name is unknown and time.hour is 8'],
    ['has(target.name)', false, 'has(target.name) does not hold, as target.name is unknown'],
  ]
  for (const [text, value, words] of table) t.strictSame(judge(text, facts), { value, words }, text)
  t.end()
})

t.test('what cannot be judged, or not at a bounded cost, is refused at its character', (t) => {
  const long = (count: number): string => `[${Array.from({ length: count }, (_, index) => index).join(',')}]`
  const table: [string, number, RegExp][] = [
    ['', 0, /EOF/],
    ['features.bytes_sent >', 21, /EOF/],
    ['time.hour > 6 and time.hour < 8', 14, /Unexpected character/],
    ['features.bytes_snt > 10', 0, /"features\.bytes_snt" is not a known fact/],
    ['process.exit(1)', 0, /exit\(\) is not for conditions|"process" is not a known fact/],
    ['source.constructor == "x"', 0, /"source\.constructor" is not a known fact/],
    ['features.bytes_sent > "x"', 0, /no such overload: number > string/],
    ['features.bytes_sent', 0, /comes to a value of type number/],
    ['time.hour == 6 && time.hour == 24', 18, /time\.hour is never 24/],
    ['time.weekday in ["monday", "fryday"]', 0, /time\.weekday is never "fryday"/],
    ['source == target', 0, /no such overload/],
    ['[source].exists(s, has(s.name))', 1, /names the whole of source/],
    ['source.name.matches("(a+)+$")', 0, /matches\(\) is not for conditions/],
    ['cel.bind(x, source.name + source.name, x == "a")', 0, /bind\(\) is not for conditions/],
    ['source.name.split("").exists(x, x == "a")', 0, /goes through a list that is not written out/],
    ['{"a": 1} == {"a": 1}', 0, /maps and indexes/],
    ['source["name"] == "a"', 0, /maps and indexes/],
    ['1 < 2', 0, /asks for no fact/],
    ['time.hour + 0.1234567891234 > 1.0', 0, /no such overload/],
    [`${long(65)}.exists(x, time.hour == x)`, 183, /more than 64 values in a list/],
    [`${long(60)}.exists(x, ${long(60)}.exists(y, ${long(4)}.exists(z, time.hour == x + y + z)))`, 0, /may take \d+ steps, more than 10000/],
    [`${'('.repeat(30)}time.hour > 1${')'.repeat(30)}`, 24, /more than 24 brackets/],
    [Array.from({ length: 200 }, () => 'time.hour > 1').join('||'), 1530, /more than 512 words/],
    ['a'.repeat(4097), 0, /has 4097 characters/],
  ]
  for (const [text, offset, message] of table) {
    const parsed = parseCel(text)
    if (parsed.ok) t.fail(`${text} was taken`)
    else t.match(parsed.faults[0], { message, mend: /\w/ }, text) && t.equal(parsed.faults[0]?.offset, offset, text)
  }
  t.end()
})

t.test('a rule has either syntax; its hash does not depend on which', (t) => {
  const policy = (lines: string): string => `rules:\n  - id: a\n    attack_class: PORT_SCAN\n    actions: [{ action_type: alert_only }]\n${lines}`
  const [cel, other] = ['    cel: |\n      time.hour > 6 &&\n      features.syn_count > 10\n', '    condition: time.hour > 6 AND features.syn_count > 10\n']
  const ruleOf = (lines: string): string => {
    const parsed = parsePolicy(policy(lines), 'p.yaml')
    return parsed.ok && parsed.policy.rules[0] !== undefined ? canonicalRule(parsed.policy.rules[0]) : JSON.stringify(parsed)
  }
  t.equal(ruleOf(cel), ruleOf(other))
  t.not(ruleOf(cel.replace('10', '11')), ruleOf(cel))
  t.not(ruleOf('    cel: source.name.startsWith("a")\n'), ruleOf('    cel: source.name.startsWith("b")\n'))
  t.match(parsePolicy(policy(cel + other), 'p.yaml'), { ok: false, problems: [{ line: 5, column: 10, path: 'rules[0].cel', message: 'stands beside "condition"' }] })
  t.match(parsePolicy(policy(cel.replace('syn_count > 10', 'syn_cnt > 10')), 'p.yaml'), { ok: false, problems: [{ line: 7, column: 7, path: 'rules[0].cel', message: '"features.syn_cnt" is not a known fact', mend: 'Write "features.syn_count"' }] })
  t.end()
})
