import { writeFileSync } from 'node:fs'
import fastJsonPatch from 'fast-json-patch'
import t from 'tap'
import { applyInjection } from '../../../webhook/inject/apply.ts'
import { decideInjection } from '../../../webhook/inject/decide.ts'
import { patchOf } from '../../../webhook/inject/patch.ts'
import { golden, listCases } from './cases.ts'

const cases = listCases()
t.ok(cases.length >= 60, `there are ${cases.length} cases`)

for (const { name, pod, namespace, context, file } of cases) {
  t.test(name, async (t) => {
    const untouched = structuredClone(pod)
    const decision = decideInjection({ pod, namespace }, context)
    const injected = decision.kind === 'inject' ? applyInjection(pod, decision, context) : pod
    const patch = patchOf(pod, injected)
    t.strictSame(pod, untouched, 'the pod that came is not changed')
    if (process.env['UPDATE'] === '1') {
      writeFileSync(file('decision.json'), `${JSON.stringify(decision, null, 2)}\n`)
      writeFileSync(file('patch.json'), `${JSON.stringify(patch, null, 2)}\n`)
    }
    t.strictSame(decision, golden(file('decision.json')))
    t.strictSame(patch, golden(file('patch.json')))

    const patched: unknown = fastJsonPatch.applyPatch(structuredClone(pod), structuredClone([...patch]) as fastJsonPatch.Operation[], true).newDocument
    t.strictSame(patched, injected, 'an independent implementation makes the same pod of the patch')
    if (decision.kind === 'skip') return
    const again = decideInjection({ pod: injected, namespace }, context)
    t.match(again, { kind: 'skip', reason: 'AlreadyInjected' }, 'the second time there is nothing to do')
    t.strictSame(patchOf(injected, applyInjection(injected, decision, context)), [])
  })
}
