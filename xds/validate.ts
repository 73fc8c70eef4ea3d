import { getOption, hasOption, type DescField, type DescMessage, type DescOneof, type Message } from '@bufbuild/protobuf'
import { isReflectList, isReflectMap, isReflectMessage, reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect'
import { anyUnpack, AnySchema, DurationSchema, type Any } from '@bufbuild/protobuf/wkt'
import { AutoshieldError } from '../src/core/errors.ts'
import { FieldRulesSchema, required, rules as rulesOption, type FieldRules } from '../src/wire/gen/xds/validate/validate_pb.js'
import { referencesOf, type Reference } from './references.ts'
import { REGISTRY } from './registry.ts'

/** A field that breaks a rule of Envoy's own .proto, e.g. `filter_chains[0].name` and `min_len: 1`. */
export interface Violation {
  readonly path: string
  readonly rule: string
}

type Test = (value: unknown, bound: unknown) => boolean
interface Rule { readonly text: string, readonly holds: (value: unknown) => boolean }
interface FieldPlan {
  readonly field: DescField
  readonly required: boolean
  readonly rules: readonly Rule[]
  readonly itemRules: readonly Rule[]
}

/** The loose form of Envoy's HTTP_HEADER_NAME and HTTP_HEADER_VALUE, which holds for the strict one too. */
const HEADER_BREAKS = ['\0', '\r', '\n']
const bytes = (value: unknown): number => typeof value === 'string' ? Buffer.byteLength(value) : (value as Uint8Array).length
const points = (value: unknown): number => typeof value === 'string' ? Array.from(value).length : (value as Uint8Array).length
const items = (value: unknown): readonly unknown[] => isReflectList(value) ? [...value] : isReflectMap(value) ? [...value.entries()] : []

/** Durations compare by length, all other values by themselves. */
function comparable (value: unknown): number | bigint | string | boolean {
  if (!isReflectMessage(value)) return value as number | bigint | string | boolean
  const { seconds, nanos } = DurationSchema.field
  return (value.get(seconds) as bigint) * 1_000_000_000n + BigInt(value.get(nanos) as number)
}

/** protoc-gen-validate's rules by name; those that only steer others (`strict`, `ignore_empty`) always hold. */
const TESTS: Readonly<Record<string, Test>> = {
  const: (value, bound) => comparable(value) === comparable(bound),
  lt: (value, bound) => comparable(value) < comparable(bound),
  lte: (value, bound) => comparable(value) <= comparable(bound),
  gt: (value, bound) => comparable(value) > comparable(bound),
  gte: (value, bound) => comparable(value) >= comparable(bound),
  in: (value, bound) => items(bound).includes(value),
  not_in: (value, bound) => !items(bound).includes(value),
  min_len: (value, bound) => points(value) >= Number(bound),
  max_len: (value, bound) => points(value) <= Number(bound),
  min_bytes: (value, bound) => bytes(value) >= Number(bound),
  max_bytes: (value, bound) => bytes(value) <= Number(bound),
  pattern: (value, bound) => new RegExp(String(bound), 'u').test(String(value)),
  prefix: (value, bound) => String(value).startsWith(String(bound)),
  well_known_regex: (value) => !HEADER_BREAKS.some((character) => String(value).includes(character)),
  min_items: (value, bound) => items(value).length >= Number(bound),
  max_items: (value, bound) => items(value).length <= Number(bound),
  min_pairs: (value, bound) => items(value).length >= Number(bound),
  max_pairs: (value, bound) => items(value).length <= Number(bound),
  unique: (value) => new Set(items(value)).size === items(value).length,
  strict: () => true,
  ignore_empty: () => true,
}
/** Rules that are read elsewhere: presence by `FieldPlan.required`, elements by `itemRules`. */
const STRUCTURAL = new Set(['required', 'items', 'keys', 'values', 'defined_only', 'skip'])

function setFields (message: ReflectMessage): Map<string, unknown> {
  return new Map(message.fields.filter((field) => message.isSet(field)).map((field) => [field.name, message.get(field)]))
}

function compileRules (field: DescField, rules: FieldRules): Rule[] {
  if (rules.type.case === undefined) return []
  const group = reflect(FieldRulesSchema, rules).get(FieldRulesSchema.field[rules.type.case])
  if (!isReflectMessage(group)) return []
  const set = setFields(group)
  const compiled = [...set].filter(([name]) => !STRUCTURAL.has(name)).map(([name, bound]): Rule => {
    const test = TESTS[name]
    if (test === undefined) throw new AutoshieldError('INTERNAL', `${field.toString()} has the rule '${name}', which xds/validate.ts does not know`)
    return { text: `${name}: ${isReflectMessage(bound) ? `${Number(comparable(bound)) / 1e9}s` : String(bound)}`, holds: (value) => test(value, bound) }
  })
  const { enum: members } = field
  if (set.get('defined_only') === true && members !== undefined) compiled.push({ text: 'defined_only: true', holds: (value) => members.value[Number(value)] !== undefined })
  if (set.get('ignore_empty') !== true) return compiled
  return compiled.map(({ text, holds }) => ({ text, holds: (value) => value === '' || value === 0 || holds(value) }))
}

function isRequired (rules: FieldRules): boolean {
  if (rules.message?.required === true) return true
  const { case: kind, value } = rules.type
  return (kind === 'any' || kind === 'duration' || kind === 'timestamp') && value.required
}

function compileField (field: DescField): FieldPlan {
  const rules = hasOption(field, rulesOption) ? getOption(field, rulesOption) : undefined
  if (rules === undefined) return { field, required: false, rules: [], itemRules: [] }
  const element = rules.type.case === 'repeated' ? rules.type.value.items : rules.type.case === 'map' ? rules.type.value.values : undefined
  return { field, required: isRequired(rules), rules: compileRules(field, rules), itemRules: element === undefined ? [] : compileRules(field, element) }
}

/** What was found in one message and all that is inside it. */
export interface Inspection {
  readonly violations: readonly Violation[]
  readonly references: readonly Reference[]
}
interface Findings { readonly violations: Violation[], readonly references: Reference[] }

/** Packed messages whose inspection is remembered: chains of many pods hold the same ones. */
const REMEMBERED = 20_000

/** Checks messages against the rules that Envoy states in its .proto files (protoc-gen-validate), as Envoy itself does on receipt. */
export class Validator {
  readonly #plans = new Map<DescMessage, { fields: readonly FieldPlan[], oneofs: readonly DescOneof[] }>()
  readonly #packed = new Map<string, Inspection>()

  /** Follows messages, lists, maps and every Any of a type that REGISTRY holds; an Any of another type is a violation. */
  inspect (schema: DescMessage, message: Message): Inspection {
    const found: Findings = { violations: [], references: [] }
    this.#message(reflect(schema, message), '', found)
    return found
  }

  /** Throws INTERNAL where a rule of the message is of a kind that is not known here. */
  plan (schema: DescMessage): { fields: readonly FieldPlan[], oneofs: readonly DescOneof[] } {
    const known = this.#plans.get(schema)
    if (known !== undefined) return known
    const plan = { fields: schema.fields.map(compileField), oneofs: schema.oneofs.filter((oneof) => hasOption(oneof, required) && getOption(oneof, required)) }
    this.#plans.set(schema, plan)
    return plan
  }

  #message (message: ReflectMessage, path: string, found: Findings): void {
    if (message.desc.typeName === AnySchema.typeName) {
      this.#any(message.message as Any, path, found)
      return
    }
    found.references.push(...referencesOf(message.message))
    const { fields, oneofs } = this.plan(message.desc)
    for (const oneof of oneofs) if (message.oneofCase(oneof) === undefined) found.violations.push({ path: `${path}${oneof.name}`, rule: 'required' })
    for (const { field, required, rules, itemRules } of fields) {
      const at = `${path}${field.name}`
      const set = message.isSet(field)
      // Of a oneof, only the member that is chosen has rules.
      if (!set && required && field.oneof === undefined) found.violations.push({ path: at, rule: 'required' })
      // A member of a oneof and a message have presence: unset, no rule about their content applies.
      if (!set && (field.fieldKind === 'message' || field.oneof !== undefined)) continue
      this.#value(unwrap(message.get(field)), at, rules, itemRules, found)
    }
  }

  #value (value: unknown, at: string, rules: readonly Rule[], itemRules: readonly Rule[], found: Findings): void {
    for (const rule of rules) if (!rule.holds(value)) found.violations.push({ path: at, rule: rule.text })
    if (isReflectMessage(value) && value.desc.typeName !== DurationSchema.typeName) this.#message(value, `${at}.`, found)
    if (isReflectList(value)) for (const [index, item] of [...value].entries()) this.#value(item, `${at}[${index}]`, itemRules, [], found)
    if (isReflectMap(value)) for (const [key, item] of value.entries()) this.#value(item, `${at}[${String(key)}]`, itemRules, [], found)
  }

  #any (any: Any, path: string, found: Findings): void {
    const key = `${any.typeUrl} ${Buffer.from(any.value.buffer, any.value.byteOffset, any.value.byteLength).toString('latin1')}`
    const { violations, references } = this.#packed.get(key) ?? this.#unpacked(any)
    if (this.#packed.size >= REMEMBERED) this.#packed.clear()
    this.#packed.set(key, { violations, references })
    found.violations.push(...violations.map((violation) => ({ ...violation, path: `${path}${violation.path}` })))
    found.references.push(...references)
  }

  #unpacked (any: Any): Inspection {
    const schema = REGISTRY.getMessage(any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1))
    const content = schema === undefined ? undefined : anyUnpack(any, REGISTRY)
    if (schema === undefined || content === undefined) return { violations: [{ path: 'type_url', rule: `'${any.typeUrl}' is in no registry` }], references: [] }
    return this.inspect(schema, content)
  }
}

/** Rules on a wrapper (google.protobuf.UInt32Value) speak of the number inside. */
function unwrap (value: unknown): unknown {
  if (!isReflectMessage(value) || !/^google\.protobuf\.\w+Value$/.test(value.desc.typeName)) return value
  const inner = value.desc.fields.find(({ name }) => name === 'value')
  return inner === undefined ? value : value.get(inner)
}
