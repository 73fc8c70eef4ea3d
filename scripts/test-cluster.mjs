// `npm run test:cluster`: the tests on a cluster whose NetworkPolicies are enforced, by Cilium on two nodes. Closes with the counts.
import { countTap, tell } from './counted.mjs'
import { buildPage, install, node, run } from './prepare.mjs'

await install()
await buildPage() // the image of this checkout serves it
const setup = await run(node, ['test/setup/install.mjs'])
if (setup !== 0) process.exit(setup)

const given = process.argv.slice(2)
// One at a time: they change policies of one cluster, and measure.
tell(await countTap(['--enforcing'], ['--disable-coverage', '--jobs=1', ...given.some((argument) => !argument.startsWith('-')) ? given : [...given, 'test/enforcing/**/*.test.ts']]))
