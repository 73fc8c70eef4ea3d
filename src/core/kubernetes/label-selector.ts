import { Type, type Static } from 'typebox'

const Operator = Type.Union([Type.Literal('In'), Type.Literal('NotIn'), Type.Literal('Exists'), Type.Literal('DoesNotExist')])
const Requirement = Type.Object({ key: Type.String(), operator: Operator, values: Type.Optional(Type.Array(Type.String())) })
type Requirement = Static<typeof Requirement>
/** meta/v1 LabelSelector. */
export const LabelSelector = Type.Object({
  matchLabels: Type.Optional(Type.Record(Type.String(), Type.String())),
  matchExpressions: Type.Optional(Type.Array(Requirement)),
})
export type LabelSelector = Static<typeof LabelSelector>

export type Labels = Readonly<Record<string, string>>

/** An empty selector, or none, matches everything. `NotIn` matches where there is no such label (apimachinery, labels.Requirement). */
export const selects = (selector: LabelSelector | undefined, labels: Labels): boolean => matcherOf(selector)(labels)

/** `selects` made ready for one selector that is asked often. */
export function matcherOf ({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): (labels: Labels) => boolean {
  const equal = Object.entries(matchLabels).map(([key, value]): Requirement => ({ key, operator: 'In', values: [value] }))
  const requirements = [...equal, ...matchExpressions]
  return (labels) => requirements.every((requirement) => meets(valueOf(labels, requirement.key), requirement))
}

/** A label may be called like what every object inherits, `constructor` for one. */
const valueOf = (labels: Labels, key: string): string | undefined => Object.hasOwn(labels, key) ? labels[key] : undefined

function meets (value: string | undefined, { operator, values = [] }: Requirement): boolean {
  switch (operator) {
    case 'In': return value !== undefined && values.includes(value)
    case 'NotIn': return value === undefined || !values.includes(value)
    case 'Exists': return value !== undefined
    case 'DoesNotExist': return value === undefined
  }
}

export const selectsEverything = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): boolean =>
  Object.keys(matchLabels).length === 0 && matchExpressions.length === 0
