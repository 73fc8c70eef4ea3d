// `npm run conformance -- PROGRAM [ARGUMENT…]`: plays the cases against a server of any make. See README.md, "Another server".
import { parseArgs } from 'node:util'
import type { Variant } from './case.ts'
import { CASES } from './cases/all.ts'
import { play } from './play.ts'
import { ServerProgram } from './program.ts'

const USAGE = 'npm run conformance -- [--variant delta|sotw] [--case TEXT] PROGRAM [ARGUMENT…]'
const VARIANTS: readonly Variant[] = ['delta', 'sotw']

/** Exit status: 0 where the server keeps the protocol, 1 where it does not; what the document leaves open decides nothing. */
async function main (args: readonly string[]): Promise<number> {
  const at = args.findIndex((word, index) => !word.startsWith('-') && !['--variant', '--case'].includes(args[index - 1] ?? ''))
  const [command, ...rest] = at === -1 ? [] : args.slice(at)
  const { values: { variant, case: text = '' } } = parseArgs({ args: args.slice(0, at === -1 ? args.length : at), options: { variant: { type: 'string' }, case: { type: 'string' } } })
  if (command === undefined) throw new TypeError(`which server? ${USAGE}`)
  const cases = CASES.filter(({ title }) => title.includes(text))
  if (cases.length === 0) throw new TypeError(`no case has "${text}" in its title`)
  await using server = await ServerProgram.start([command, ...rest])
  const count = { kept: 0, broken: 0, practice: 0 }
  for (const played of cases) {
    for (const each of VARIANTS.filter((each) => each === (variant ?? each) && each === (played.only ?? each))) {
      const problems = await play(played, each, server)
      const isPractice = played.basis === 'practice'
      count[problems.length === 0 ? 'kept' : isPractice ? 'practice' : 'broken']++
      console.log(`${problems.length === 0 ? 'ok    ' : 'not ok'} ${each}: ${played.title} (${played.section}${isPractice ? '; practice' : ''})`)
      for (const problem of problems) console.log(`         ${problem}`)
    }
  }
  console.log(`\n${count.kept} kept; ${count.broken} broken; ${count.practice} otherwise than usual, which the protocol document allows`)
  return count.broken === 0 ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 64
}
