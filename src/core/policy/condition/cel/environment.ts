import { Environment } from '@marcbachmann/cel-js'
import { OPERATORS } from '../lexer.ts'
import { FACT_NAMES, factType } from '../facts.ts'
import { Amount, ARITHMETIC, combineAmounts, compareAmounts } from './amount.ts'

/** `detection`, `features`, `source`, `target` and `time`. */
export const GROUPS: readonly string[] = [...new Set(FACT_NAMES.map((name) => name.split('.')[0] ?? ''))].sort()

/** How a fact is typed in CEL. Sums over a window may be known in part; of the others, these have fractions. */
export function celType (fact: string): 'number' | 'double' | 'int' | 'string' {
  if (fact.startsWith('features.')) return 'number'
  if (factType(fact)?.type === 'text') return 'string'
  return fact === 'detection.confidence' ? 'double' : 'int'
}

/** One class for each group, for the library tells types by their constructor. A fact that is not known is no property. */
const HOLDERS = new Map(GROUPS.map((group) => [group, class {
  readonly [fact: string]: unknown

  constructor (values: Readonly<Record<string, unknown>>) {
    Object.assign(this, values)
  }
}]))

/** What a condition is evaluated on: an object for each group. `values` by the fact's whole name. */
export function celContext (values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  return Object.fromEntries([...HOLDERS].map(([group, Holder]) => {
    const own = [...values].filter(([fact]) => fact.startsWith(`${group}.`))
    return [group, new Holder(Object.fromEntries(own.map(([fact, value]) => [fact.slice(group.length + 1), value])))]
  }))
}

/** Bounds of the parser; `checkCost` bounds what an evaluation may take. */
const LIMITS = { maxAstNodes: 512, maxDepth: 24, maxListElements: 64, maxMapEntries: 1, maxCallArguments: 3 } as const

/** CEL with the facts declared, so that a text is checked before it is ever evaluated. */
export const CEL = declared(new Environment({ limits: LIMITS }))

function declared (environment: Environment): Environment {
  environment.registerType('number', { ctor: Amount, fields: {} })
  for (const [left, right] of [['number', 'number'], ['number', 'int'], ['number', 'double'], ['int', 'number'], ['double', 'number']] as const) {
    // The library makes != of ==, and an == with its sides swapped.
    for (const operator of OPERATORS.filter((known) => known !== '!=' && (known !== '==' || left === 'number'))) {
      environment.registerOperator(`${left} ${operator} ${right}`, (a: Amount, b: Amount) => compareAmounts(a, operator, b))
    }
    for (const operation of ARITHMETIC) {
      environment.registerOperator(`${left} ${operation} ${right}: number`, (a: Amount, b: Amount) => combineAmounts(a, operation, b))
    }
  }
  for (const [group, ctor] of HOLDERS) {
    const own = FACT_NAMES.filter((fact) => fact.startsWith(`${group}.`))
    environment.registerType(`facts_${group}`, { ctor, fields: Object.fromEntries(own.map((fact) => [fact.slice(group.length + 1), celType(fact)])) })
    environment.registerVariable(group, `facts_${group}`)
  }
  return environment
}
