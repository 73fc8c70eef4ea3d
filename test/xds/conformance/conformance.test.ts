import t from 'tap'
import { Autoshield } from './autoshield.ts'
import { CASES } from './cases/all.ts'
import { play } from './play.ts'

t.setTimeout(300_000)
const control = await Autoshield.start()
t.teardown(() => control[Symbol.asyncDispose]())

for (const played of CASES) {
  for (const variant of ['delta', 'sotw'] as const) {
    if (played.only !== undefined && played.only !== variant) continue
    t.test(`${variant}: ${played.title} (${played.section})`, async (t) => {
      t.same(await play(played, variant, control), [])
    })
  }
}
