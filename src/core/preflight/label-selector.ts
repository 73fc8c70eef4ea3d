import { Type, type Static } from 'typebox'

const Operator = Type.Union([Type.Literal('In'), Type.Literal('NotIn'), Type.Literal('Exists'), Type.Literal('DoesNotExist')])
const Requirement = Type.Object({ key: Type.String(), operator: Operator, values: Type.Optional(Type.Array(Type.String())) })
/** meta/v1 LabelSelector. */
export const LabelSelector = Type.Object({
  matchLabels: Type.Optional(Type.Record(Type.String(), Type.String())),
  matchExpressions: Type.Optional(Type.Array(Requirement)),
})
export type LabelSelector = Static<typeof LabelSelector>

/** An empty selector, or none, matches everything. `NotIn` matches where there is no such label (apimachinery, labels.Requirement). */
export function selects (selector: LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {}
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((requirement) => meets(labels[requirement.key], requirement))
}

function meets (value: string | undefined, { operator, values = [] }: Static<typeof Requirement>): boolean {
  switch (operator) {
    case 'In': return value !== undefined && values.includes(value)
    case 'NotIn': return value === undefined || !values.includes(value)
    case 'Exists': return value !== undefined
    case 'DoesNotExist': return value === undefined
  }
}

export const selectsEverything = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): boolean =>
  Object.keys(matchLabels).length === 0 && matchExpressions.length === 0
