// `npm test`: installs what the tests need, checks types, rooms and dead code, runs every test, and closes with the counts.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildPage, install, node, run } from './prepare.mjs'

await install()
await buildPage()
const setup = await run(node, ['test/setup/install.mjs'])
if (setup !== 0) process.exit(setup)

const tally = { passed: 0, failed: 0, skipped: 0 }
for (const check of ['typecheck', 'lint', 'knip']) {
  console.error(`test: npm run ${check} ...`)
  const status = await run('npm', ['run', '--silent', check])
  tally[status === 0 ? 'passed' : 'failed']++
  console.error(`test: npm run ${check}: ${status === 0 ? 'passed' : 'FAILED'}`)
}

const folder = mkdtempSync(join(tmpdir(), 'autoshield-tap-'))
const output = join(folder, 'all.tap')
console.error(`test: running every test, several minutes; all that they say goes to ${output}`)
// One cluster for every test that needs one, its programs built before the first test's clock runs.
const status = await run(node, ['scripts/cluster.ts', 'with', '--', 'tap', '--reporter=terse', `--output-file=${output}`, ...process.argv.slice(2)])
const said = readFileSync(output, 'utf8').split('\n')
console.log(trouble(said).join('\n'))
// tap closes its stream with a line such as `# { total: 9, pass: 7, fail: 1, skip: 1 }`.
const totals = said.find((line) => /^# \{ total: .*\}$/.test(line)) ?? ''
const count = (name) => Number(totals.match(new RegExp(`${name}: (\\d+)`))?.[1] ?? 0)
tally.passed += count('pass')
tally.failed += count('fail')
tally.skipped += count('skip') + count('todo')
if (status !== 0 && tally.failed === 0) tally.failed = 1
if (tally.failed === 0) rmSync(folder, { recursive: true })
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`)
process.exitCode = tally.failed === 0 ? 0 : 1

/** What failed, each with what was said about it, and what was skipped and why. */
function trouble (lines) {
  return lines.flatMap((line, at) => {
    if (/^\s*ok .*# SKIP/.test(line)) return [line.trim()]
    if (!/^\s*not ok /.test(line)) return []
    const end = lines.findIndex((later, place) => place > at && later.trim() === '...')
    return lines.slice(at, Math.min(end < 0 ? at + 1 : end, at + 30))
  })
}
