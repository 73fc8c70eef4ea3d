import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { AutoshieldError } from '../../core/errors.ts'
import { OPERATORS } from './operators.ts'

/** The shipped graph has 23 nodes and 17 tensors. */
const MAX_NODES = 512
const MAX_TENSORS = 1_024
/** Of an attribute's whole numbers (kernels, paddings, hidden sizes): past this a layer's output is of another order than its input. */
const MAX_ATTRIBUTE = 4_096

/** What was met in the whole file: a message may come in several parts. */
interface Counts { nodes: number, tensors: number }
/** `bytes` are the field's value, without its length. */
type Read = (bytes: Uint8Array, place: string, counts: Counts) => void
/** Name, the wire types that it may have, and how it is read; or why a graph may not have it. */
type Field = readonly [name: string, types: readonly WireType[], read: Read] | string
/** By field number, as in onnx.proto. A field that is not here is refused. */
type Fields = Readonly<Record<number, Field>>

const { Varint, LengthDelimited, Bit32, Bit64 } = WireType

/**
 * Holds a graph to what we run: ONNX as protobuf, operators of a closed list, all weights inside, no graphs within nodes and no functions.
 * `path` is for the messages. Throws UNTRUSTED with the place, or BAD_DATA where the bytes are no ONNX at all.
 */
export function checkGraph (bytes: Uint8Array, path: string): void {
  // The runtime takes bytes with this mark at this place for its own format, whatever else they are.
  if (Buffer.from(bytes.subarray(4, 8)).toString('latin1') === 'ORTM') refuse(path, 'is in the format of ONNX Runtime, not in ONNX')
  try {
    walk(bytes, MODEL, path, { nodes: 0, tensors: 0 })
  } catch (thrown) {
    if (thrown instanceof AutoshieldError) throw thrown
    throw new AutoshieldError('BAD_DATA', `${path} is no graph in ONNX (${thrown instanceof Error ? thrown.message : String(thrown)}); ${MEND}`, { cause: thrown })
  }
}

const MEND = 'restore it from the release, or train one with `npm run train`'

function refuse (place: string, what: string): never {
  throw new AutoshieldError('UNTRUSTED', `${place} ${what}; ${MEND}`)
}

function walk (bytes: Uint8Array, fields: Fields, place: string, counts: Counts): void {
  const reader = new BinaryReader(bytes)
  const seen = new Map<number, number>()
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag()
    const field = Object.hasOwn(fields, number) ? fields[number] : undefined
    if (field === undefined) return refuse(place, `has field ${number}, which no graph that we run has`)
    if (typeof field === 'string') return refuse(place, field)
    const [name, types, read] = field
    const index = seen.get(number) ?? 0
    seen.set(number, index + 1)
    if (!types.includes(type)) refuse(place, `has ${name} of wire type ${type}`)
    read(type === LengthDelimited ? reader.bytes() : reader.skip(type), `${place}: ${name}[${index}]`, counts)
  }
}

const ignored = (name: string, ...types: WireType[]): Field => [name, types, () => undefined]
const inner = (name: string, fields: () => Fields, count: (counts: Counts, place: string) => void = () => undefined): Field =>
  [name, [LengthDelimited], (bytes, place, counts) => {
    count(counts, place)
    walk(bytes, fields(), place, counts)
  }]
const text = (name: string, check: (value: string, place: string) => void): Field =>
  [name, [LengthDelimited], (bytes, place) => check(Buffer.from(bytes).toString('utf8'), place)]

const domain = text('domain', (value, place) => {
  if (value !== '') refuse(place, `is ${quote(value)}; only ONNX's own operators are run`)
})
const operator = text('op_type', (value, place) => {
  if (!OPERATORS.has(value)) refuse(place, `is ${quote(value)}, which is none of the operators that we run (${[...OPERATORS].join(', ')})`)
})
const quote = (value: string): string => JSON.stringify(value.slice(0, 64))

/** Whole numbers, each on its own or packed. */
const wholes: Read = (bytes, place) => {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const value = BigInt(reader.int64())
    if (value > MAX_ATTRIBUTE || value < -MAX_ATTRIBUTE) refuse(place, `is ${value}, at most ${MAX_ATTRIBUTE} is run`)
  }
}
const location: Read = (bytes, place) => {
  if (BigInt(new BinaryReader(bytes).int64()) !== 0n) refuse(place, 'says that its weights lie in another file')
}
const countTensor = (counts: Counts, place: string): void => {
  if (++counts.tensors > MAX_TENSORS) refuse(place, `is one more tensor than the ${MAX_TENSORS} that are run`)
}
const countNode = (counts: Counts, place: string): void => {
  if (++counts.nodes > MAX_NODES) refuse(place, `is one more node than the ${MAX_NODES} that are run`)
}

const OPERATOR_SET: Fields = { 1: domain, 2: ignored('version', Varint) }

const TENSOR: Fields = {
  1: ignored('dims', Varint, LengthDelimited),
  2: ignored('data_type', Varint),
  3: 'is a part of a tensor',
  4: ignored('float_data', Bit32, LengthDelimited),
  5: ignored('int32_data', Varint, LengthDelimited),
  7: ignored('int64_data', Varint, LengthDelimited),
  8: ignored('name', LengthDelimited),
  9: ignored('raw_data', LengthDelimited),
  10: ignored('double_data', Bit64, LengthDelimited),
  11: ignored('uint64_data', Varint, LengthDelimited),
  12: ignored('doc_string', LengthDelimited),
  13: 'has weights in another file (external_data)',
  14: ['data_location', [Varint], location],
  16: ignored('metadata_props', LengthDelimited),
}

const ATTRIBUTE: Fields = {
  1: ignored('name', LengthDelimited),
  2: ignored('f', Bit32),
  3: ['i', [Varint], wholes],
  4: ignored('s', LengthDelimited),
  5: inner('t', () => TENSOR, countTensor),
  6: 'holds a graph of its own',
  7: ignored('floats', Bit32, LengthDelimited),
  8: ['ints', [Varint, LengthDelimited], wholes],
  9: ignored('strings', LengthDelimited),
  11: 'holds graphs of its own',
  13: ignored('doc_string', LengthDelimited),
  20: ignored('type', Varint),
  21: 'refers to the attribute of a function',
}

const NODE: Fields = {
  1: ignored('input', LengthDelimited),
  2: ignored('output', LengthDelimited),
  3: ignored('name', LengthDelimited),
  4: operator,
  5: inner('attribute', () => ATTRIBUTE),
  6: ignored('doc_string', LengthDelimited),
  7: domain,
  9: ignored('metadata_props', LengthDelimited),
}

const GRAPH: Fields = {
  1: inner('node', () => NODE, countNode),
  2: ignored('name', LengthDelimited),
  5: inner('initializer', () => TENSOR, countTensor),
  10: ignored('doc_string', LengthDelimited),
  11: ignored('input', LengthDelimited),
  12: ignored('output', LengthDelimited),
  13: ignored('value_info', LengthDelimited),
  15: 'has a sparse tensor',
  16: ignored('metadata_props', LengthDelimited),
}

const MODEL: Fields = {
  1: ignored('ir_version', Varint),
  2: ignored('producer_name', LengthDelimited),
  3: ignored('producer_version', LengthDelimited),
  4: ignored('domain', LengthDelimited),
  5: ignored('model_version', Varint),
  6: ignored('doc_string', LengthDelimited),
  7: inner('graph', () => GRAPH),
  8: inner('opset_import', () => OPERATOR_SET),
  14: ignored('metadata_props', LengthDelimited),
  20: 'holds a graph to train with',
  25: 'has functions of its own',
}
