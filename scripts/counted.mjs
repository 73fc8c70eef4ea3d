// Runs tap beside a cluster and counts what it says. Runs under the machine's own Node, as the rest of `npm test`.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { node, run } from './prepare.mjs'

/** `cluster`: options of `npm run cluster -- with`; `args`: tap's own, files among them. Tells what failed and what was skipped. */
export async function countTap (cluster, args) {
  const folder = mkdtempSync(join(tmpdir(), 'autoshield-tap-'))
  const output = join(folder, 'all.tap')
  console.error(`test: running the tests, several minutes; all that they say goes to ${output}`)
  const status = await run(node, ['scripts/cluster.ts', 'with', ...cluster, '--', 'tap', '--reporter=terse', `--output-file=${output}`, ...args])
  const tally = counted(existsSync(output) ? readFileSync(output, 'utf8') : '', status)
  if (tally.failed === 0) rmSync(folder, { recursive: true })
  return tally
}

/** Tells the trouble in a whole TAP stream, and counts. `status`: what the process that said it ended with. */
export function counted (tap, status) {
  const said = tap.split('\n')
  console.log(trouble(said).join('\n'))
  // tap closes its stream with a line such as `# { total: 9, pass: 7, fail: 1, skip: 1 }`.
  const totals = said.findLast((line) => /^# \{ total: .*\}$/.test(line)) ?? ''
  const count = (name) => Number(totals.match(new RegExp(`${name}: (\\d+)`))?.[1] ?? 0)
  const tally = { passed: count('pass'), failed: count('fail'), skipped: count('skip') + count('todo') }
  if (status !== 0 && tally.failed === 0) tally.failed = 1
  return tally
}

/** The closing line; the exit status says the same. */
export function tell (...tallies) {
  const sum = (name) => tallies.reduce((all, tally) => all + tally[name], 0)
  console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`)
  process.exitCode = sum('failed') === 0 ? 0 : 1
}

/** What failed, each with what was said about it, and what was skipped and why. */
function trouble (lines) {
  return lines.flatMap((line, at) => {
    if (/^\s*ok .*# SKIP/.test(line)) return [line.trim()]
    if (!/^\s*not ok /.test(line)) return []
    const end = lines.findIndex((later, place) => place > at && later.trim() === '...')
    return lines.slice(at, Math.min(end < 0 ? at + 1 : end, at + 30))
  })
}
