import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { checkGraph } from '../../../src/adapters/onnx/check-graph.ts'
import { openSession } from '../../../src/adapters/onnx/session.ts'
import { all, file, message, text, whole, type Write } from './made-model.ts'

const SHIPPED = await readFile(join(import.meta.dirname, '../../../models/model.onnx'))

const node = (...parts: Write[]): Write => message(1, all(text(1, 'x'), text(2, 'y'), ...parts))
/** A model of these parts of a graph, behind an honest head. */
const modelOf = (...graph: Write[]): Uint8Array => file(whole(1, 10), message(8, whole(2, 17)), message(7, all(...graph)))

const refused = (t: Test, bytes: Uint8Array, message: RegExp): void => {
  t.throws(() => { checkGraph(bytes, 'some.onnx') }, { code: 'UNTRUSTED', message }, String(message))
}

t.test('the shipped graph may run', async (t) => {
  t.doesNotThrow(() => checkGraph(SHIPPED, 'model.onnx'))
})

t.test('an operator that is not on the list is refused with its place, and so is one of another domain', async (t) => {
  t.doesNotThrow(() => checkGraph(modelOf(node(text(4, 'Relu'))), 'some.onnx'))
  refused(t, modelOf(node(text(4, 'Relu')), node(text(4, 'Loop'))), /^some\.onnx: graph\[0\]: node\[1\]: op_type\[0\] is "Loop", .*Relu.*; restore/)
  refused(t, modelOf(node(text(4, 'Relu'), text(7, 'com.evil'))), /node\[0\]: domain\[0\] is "com\.evil"/)
  refused(t, file(message(8, text(1, 'com.evil'))), /opset_import\[0\]: domain/)
  refused(t, modelOf(node(text(4, 'Relu'), text(4, 'If'))), /op_type\[1\] is "If"/)
})

t.test('a graph that comes in two parts is read whole', async (t) => {
  refused(t, file(message(7, node(text(4, 'Relu'))), message(7, node(text(4, 'Scan')))), /graph\[1\]: node\[0\]: op_type\[0\] is "Scan"/)
})

t.test('no weights lie in another file', async (t) => {
  const entry = message(13, all(text(1, 'location'), text(2, '/etc/passwd')))
  refused(t, modelOf(message(5, all(text(8, 'w'), entry))), /initializer\[0\] has weights in another file/)
  refused(t, modelOf(message(5, whole(14, 1))), /data_location\[0\] says/)
  refused(t, modelOf(node(text(4, 'Constant'), message(5, all(text(1, 'value'), message(5, entry))))), /attribute\[0\]: t\[0\] has weights/)
  t.doesNotThrow(() => checkGraph(modelOf(message(5, whole(14, 0))), 'some.onnx'), 'that they lie inside may be said')
})

t.test('nothing is hidden in graphs of nodes, functions or training', async (t) => {
  refused(t, modelOf(node(text(4, 'Relu'), message(5, message(6, text(2, 'body'))))), /attribute\[0\] holds a graph/)
  refused(t, modelOf(node(text(4, 'Relu'), message(5, message(11, text(2, 'body'))))), /holds graphs/)
  refused(t, file(message(25, text(1, 'f'))), /^some\.onnx has functions/)
  refused(t, file(message(20, text(1, 'f'))), /train/)
  refused(t, file(message(99, text(1, 'f'))), /has field 99/)
  refused(t, file(whole(7, 1)), /has graph of wire type 0/)
})

t.test('no layer makes much out of little', async (t) => {
  const convolution = (write: Write): Uint8Array => modelOf(node(text(4, 'Conv'), message(5, write)))
  t.doesNotThrow(() => checkGraph(convolution(whole(3, -1)), 'some.onnx'))
  refused(t, convolution(whole(3, 2 ** 40)), /i\[0\] is 1099511627776, at most 4096/)
  refused(t, convolution(message(8, (writer) => writer.int64(1).int64(5000))), /ints\[0\] is 5000/)
  refused(t, modelOf(...Array.from({ length: 513 }, () => node(text(4, 'Relu')))), /node\[512\] is one more node than the 512/)
  refused(t, modelOf(...Array.from({ length: 1025 }, () => message(5, text(8, 'w')))), /one more tensor than the 1024/)
})

t.test('bytes that are both ONNX and the runtime\'s own format are refused, and the runtime would not take them for it either', async (t) => {
  // A producer's name that carries the mark at bytes 4 to 8.
  const both = Buffer.concat([Buffer.from([0x08, 10, 0x12, 6]), Buffer.from('ORTM01'), SHIPPED.subarray(2)])
  refused(t, both, /format of ONNX Runtime/)
  await using session = await openSession(both, 'some.onnx', {})
  t.same(session.shapes()['tensor'], [20, 12], 'read as ONNX')
})

t.test('whatever is changed in a file, it is taken, or refused with its name, and never anything else', async (t) => {
  const changes = fc.array(fc.record({ at: fc.nat(SHIPPED.length - 1), to: fc.nat(255) }), { minLength: 1, maxLength: 8 })
  // The head, where the structure is, as often as the weights.
  const near = fc.array(fc.record({ at: fc.nat(4_000), to: fc.nat(255) }), { minLength: 1, maxLength: 8 })
  fc.assert(fc.property(fc.oneof(changes, near), fc.nat(SHIPPED.length), (edits, length) => {
    const bytes = Buffer.from(SHIPPED.subarray(0, Math.max(1, length)))
    for (const { at, to } of edits) if (at < bytes.length) bytes[at] = to
    try {
      checkGraph(bytes, 'some.onnx')
      return true
    } catch (error) {
      return error instanceof Error && 'code' in error && ['UNTRUSTED', 'BAD_DATA'].includes(String(error.code)) && error.message.startsWith('some.onnx')
    }
  }), { numRuns: 300 })
})

t.test('an operator\'s name that is changed by a byte does not pass', async (t) => {
  const names = ['Relu', 'LSTM', 'Gemm', 'Softmax', 'Concat', 'Squeeze']
  const places = names.map((name) => SHIPPED.indexOf(`"${String.fromCharCode(name.length)}${name}`)).filter((at) => at >= 0)
  t.equal(places.length, names.length, 'field 4 of a node begins with the byte 0x22, a quotation mark')
  fc.assert(fc.property(fc.constantFrom(...places), fc.nat(3), fc.integer({ min: 1, max: 255 }), (place, letter, difference) => {
    const bytes = Buffer.from(SHIPPED)
    bytes[place + 2 + letter] = (bytes[place + 2 + letter] ?? 0) ^ difference
    try {
      checkGraph(bytes, 'some.onnx')
      return false
    } catch (error) {
      return error instanceof Error && /is none of the operators/.test(error.message)
    }
  }))
})
