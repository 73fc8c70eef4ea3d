// `npm run chaos`: kills what the product is made of, one after the other, under attacks, and checks what must hold all the same.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LEASE_SECONDS } from './cast.ts'
import { missingForChaos } from './ground.ts'
import { violationsOf } from './invariants.ts'
import { pictureOf } from './picture.ts'
import { reportOf } from './report.ts'
import { chaos } from './run.ts'

const USAGE = 'Usage: npm run chaos -- [--kills 200] [--seed WORD] [--between 50] [--out FOLDER]'

const { values } = parseArgs({ options: { kills: { type: 'string', default: '200' }, seed: { type: 'string', default: String(Date.now()) }, between: { type: 'string', default: '50' }, out: { type: 'string' } } })
const [kills, between] = [Number(values.kills), Number(values.between)]
if (!Number.isInteger(kills) || kills < 1 || !Number.isInteger(between) || between < 1) {
  console.error(`chaos: kills, and between (how many kills between two rests), are whole numbers from 1.\n${USAGE}`)
  process.exit(64)
}
const missing = missingForChaos()
if (missing.length > 0) {
  console.error(`chaos: ${missing.join('; ')}`)
  process.exit(1)
}
const say = (line: string): void => { console.error(`chaos ${new Date().toISOString().slice(11, 19)}: ${line}`) }
say(`seed ${values.seed}; --seed ${values.seed} draws the same kills`)
const { out } = values
if (out !== undefined) mkdirSync(out, { recursive: true })
const log = out === undefined ? {} : { log: (name: string, text: string) => writeFileSync(join(out, `${name.replaceAll(' ', '-')}.log`), text) }
const diary = await chaos({ kills, seed: values.seed, between, say, ...log })
const violations = violationsOf(diary)
if (out !== undefined) {
  writeFileSync(join(out, 'chaos.svg'), pictureOf(diary))
  writeFileSync(join(out, 'diary.json'), JSON.stringify({ ...diary, uids: [...diary.uids] }))
  say(`picture, diary and logs are in ${out}`)
}
console.log(reportOf(diary, violations, LEASE_SECONDS * 1_000))
process.exitCode = violations.length === 0 ? 0 : 79
