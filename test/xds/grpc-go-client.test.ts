import { join } from 'node:path'
import t from 'tap'
import { goProgram } from '../setup/go-program.ts'
import { findTool, skipWithout } from '../setup/tools.ts'
import { grpcFollows } from './grpc-follows.ts'

const { missing } = findTool('go')
t.setTimeout(600_000) // the program is built once, which takes minutes on a busy machine

t.test('grpc-go\'s xDS client takes a service from us and follows its changes', { skip: skipWithout(missing === undefined ? [] : [missing]) }, async (t) => {
  const program = await goProgram(join(import.meta.dirname, 'grpc-go-client'))
  await grpcFollows(t, { command: [program], identity: 'its own' })
})
