// `npm run bench [-- --json] [-- --only NAME,...]`: every figure beside something measured in the same run.
import { parseArgs } from 'node:util'
import { containmentFigures } from './containment.ts'
import { detectorFigures } from './detector.ts'
import { enforceFigures } from './enforce.ts'
import { explainFigures } from './explain.ts'
import { failoverFigures } from './failover.ts'
import type { Figure } from './figure.ts'
import { flowFigures } from './flows.ts'
import { inferenceFigures } from './inference.ts'
import { pipelineFigures } from './pipeline.ts'
import { planFigures } from './plan.ts'
import { proxyFigures } from './proxy.ts'
import { safetyFigures } from './safety.ts'
import { webhookFigures } from './webhook.ts'
import { xdsEffectFigures } from './xds-effect.ts'
import { xdsScaleFigures } from './xds-scale.ts'
import { xdsFigures } from './xds.ts'

const SUITES: Readonly<Record<string, () => Promise<Figure[]>>> = {
  pipeline: pipelineFigures,
  inference: inferenceFigures,
  explain: explainFigures,
  detector: detectorFigures,
  containment: containmentFigures,
  webhook: webhookFigures,
  xds: xdsFigures,
  'xds-scale': xdsScaleFigures,
  'xds-effect': xdsEffectFigures,
  proxy: proxyFigures,
  plan: planFigures,
  flows: flowFigures,
  safety: safetyFigures,
  failover: failoverFigures,
  enforce: enforceFigures,
}

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false }, only: { type: 'string' } } })
const wanted = values.only?.split(',') ?? Object.keys(SUITES)
const unknown = wanted.find((name) => !Object.hasOwn(SUITES, name))
if (unknown !== undefined) {
  console.error(`bench: there is no suite '${unknown}'; --only takes ${Object.keys(SUITES).join(', ')}.`)
  process.exit(64)
}

const short = (value: number): string => Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
for (const [name, figures] of Object.entries(SUITES)) {
  if (!wanted.includes(name)) continue
  console.error(`bench: ${name} ...`)
  for (const figure of await figures()) {
    console.log(values.json
      ? JSON.stringify(figure)
      : `${figure.name.padEnd(30)} ${short(figure.value).padStart(12)} ${figure.unit.padEnd(11)} beside ${short(figure.beside.value).padStart(12)} ${figure.beside.name.padEnd(40)} ratio ${short(figure.ratio)}`)
  }
}
