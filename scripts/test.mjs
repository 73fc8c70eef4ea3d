// `npm test`: installs what the tests need, checks types, rooms and dead code, runs every test that needs no enforcing cluster, and
// closes with the counts.
import { countTap, tell } from './counted.mjs'
import { buildPage, install, node, run } from './prepare.mjs'

await install()
await buildPage()
const setup = await run(node, ['test/setup/install.mjs'])
if (setup !== 0) process.exit(setup)

const checks = { passed: 0, failed: 0, skipped: 0 }
for (const check of ['typecheck', 'lint', 'knip']) {
  console.error(`test: npm run ${check} ...`)
  const status = await run('npm', ['run', '--silent', check])
  checks[status === 0 ? 'passed' : 'failed']++
  console.error(`test: npm run ${check}: ${status === 0 ? 'passed' : 'FAILED'}`)
}
// One cluster for every test that needs one, its programs built before the first test's clock runs.
tell(checks, await countTap([], ['--disable-coverage', ...process.argv.slice(2)]))
