// `npm run test:unit`: the tests of core, a few processes for all files. `tap` starts one a file, which takes longer than the tests.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { text } from 'node:stream/consumers'
import { counted, tell } from './counted.mjs'
import { environment, node } from './prepare.mjs'

const files = globSync(process.argv[2] ?? 'test/core/**/*.test.ts')
const processes = Math.min(availableParallelism(), files.length)
const shares = Array.from({ length: processes }, (_, at) => files.filter((_, place) => place % processes === at))

tell(...await Promise.all(shares.map(async (share) => {
  const child = spawn(node, ['test/in-one-process.ts', ...share], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...environment, TAP_TIMEOUT: '240' } })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const said = await text(child.stdout)
  return counted(said, await ended)
})))
