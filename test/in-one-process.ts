// Runs the test files that are named one after the other, as subtests of one stream.
import { resolve } from 'node:path'

for (const file of process.argv.slice(2)) await import(resolve(file))
