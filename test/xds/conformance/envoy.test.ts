import t from 'tap'
import { skipWithout } from '../../setup/tools.ts'
import { envoyTool } from '../real-envoy.ts'
import { Autoshield } from './autoshield.ts'
import { CASES } from './cases/all.ts'
import { follow } from './follow.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(600_000)
const server = await Autoshield.start()
t.teardown(() => server[Symbol.asyncDispose]())

for (const followed of CASES.filter(({ envoy }) => envoy)) {
  for (const variant of ['delta', 'sotw'] as const) {
    if (followed.only !== undefined && followed.only !== variant) continue
    t.test(`${variant}, by an Envoy: ${followed.title}`, { skip }, async (t) => {
      t.same(await follow(followed, variant, server), [])
    })
  }
}
