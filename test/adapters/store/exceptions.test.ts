import t from 'tap'
import { openStore } from '../../../src/adapters/store/object-store.ts'
import { MAX_EXCEPTIONS } from '../../../src/core/exception/exception.ts'
import { madeExceptionSpec } from '../../core/exception/made-exception.ts'
import { exceptionContract } from './exception-contract.ts'

exceptionContract(t, async (t) => {
  const dir = t.testdir()
  let store = openStore(dir)
  t.teardown(async () => store[Symbol.asyncDispose]())
  return {
    exceptions: () => store.exceptions,
    reopen: async () => {
      await store[Symbol.asyncDispose]()
      store = openStore(dir)
    },
  }
})

t.test('there is room for so many and no more', async (t) => {
  const store = openStore(t.testdir())
  t.teardown(async () => store[Symbol.asyncDispose]())
  await Promise.all(Array.from({ length: MAX_EXCEPTIONS }, async (_, n) => store.exceptions.add(`e${n}`, madeExceptionSpec(), '2026-01-01T00:00:00Z')))
  await t.rejects(store.exceptions.add('more', madeExceptionSpec(), '2026-01-01T00:00:00Z'), { code: 'CONFLICT', message: /500 exceptions already/ })
})
