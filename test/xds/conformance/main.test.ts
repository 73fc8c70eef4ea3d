import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'

t.setTimeout(120_000)

async function run (...args: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, error, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit') as Promise<[number | null]>])
  return { out, error, status }
}

const OURS = [process.execPath, join(import.meta.dirname, 'autoshield-program.ts')]

t.test('a server is played against as a program, and each case is told', async (t) => {
  const { out, error, status } = await run('--case', 'again as it was', ...OURS)
  t.equal(error, '')
  t.match(out, /^ok {5}delta: removed, and added again as it was \(/m)
  t.match(out, /^ok {5}sotw: what is set again as it was /m)
  t.notMatch(out, /not ok/)
  t.match(out, /\n\d+ kept; 0 broken; 0 otherwise/)
  t.equal(status, 0)
})

t.test('one that does not keep the protocol is told of, with what was wrong', async (t) => {
  const { out, status } = await run('--case', 'again as it was', '--variant', 'sotw', process.execPath, '-e', `
    console.log(JSON.stringify({ port: 1 }))
    require('node:readline').createInterface(process.stdin).on('line', () => console.log('{}'))`)
  t.match(out, /^not ok sotw: .*\n {9}step \d+: /m)
  t.notMatch(out, /delta/)
  t.equal(status, 1)
})

t.test('a program that says nothing of use is said plainly', async (t) => {
  t.match(await run(process.execPath, '-e', ''), { status: 64, error: /the program ended/ })
  t.match(await run(process.execPath, '-e', 'console.log("[]")'), { status: 64, error: /first line is not \{"port": N\}: \[\]/ })
  t.match(await run('--case', 'nothing of that kind', ...OURS), { status: 64, error: /no case/ })
  t.match(await run('--variant', 'delta'), { status: 64, error: /which server\?/ })
})
