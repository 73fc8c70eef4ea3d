// `npm run soak`: a quarter of an hour of churn under the xDS server, which has to leave nothing behind.
import { parseArgs } from 'node:util'
import { envoyTool } from '../xds/real-envoy.ts'
import { soak } from './soak.ts'

const USAGE = 'Usage: npm run soak -- [--minutes 15] [--proxies 200] [--envoys 3] [--seed 1] [--json]'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '15' }, proxies: { type: 'string', default: '200' }, envoys: { type: 'string', default: '3' }, seed: { type: 'string', default: '1' }, json: { type: 'boolean', default: false } } })
const [minutes, proxies, envoys] = [values.minutes, values.proxies, values.envoys].map(Number)
if (minutes === undefined || proxies === undefined || envoys === undefined || !(minutes > 0) || !Number.isInteger(proxies) || proxies < 1 || !Number.isInteger(envoys) || envoys < 0) {
  console.error(`soak: minutes is a number above 0, proxies a whole one from 1, envoys a whole one from 0.\n${USAGE}`)
  process.exit(64)
}
if (envoyTool.path === undefined) {
  console.error(`soak: ${envoyTool.missing}`)
  process.exit(1)
}
const report = await soak({ seconds: minutes * 60, proxies, envoys, seed: values.seed, say: (line) => { console.error(`soak: ${line}`) } })
if (values.json) console.log(JSON.stringify(report))
for (const fault of report.faults) console.error(`soak: FAULT ${fault}`)
console.error(`soak: ${report.faults.length === 0 ? 'nothing was left behind' : `${report.faults.length} faults`}`)
process.exitCode = report.faults.length === 0 ? 0 : 1
