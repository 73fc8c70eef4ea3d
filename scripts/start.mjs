// `npm start`: installs what is missing, builds the page, and starts the standalone loop in this terminal.
import { buildPage, install, node, run } from './prepare.mjs'

await install()
await buildPage()
process.exitCode = await run(node, ['src/main.ts', 'up', ...process.argv.slice(2)])
