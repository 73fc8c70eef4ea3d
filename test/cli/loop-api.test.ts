import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { callApi } from '../../src/cli/loop-api.ts'

t.test('an API that is slow is told from one that is not there: what was asked of it may be done all the same', async (t) => {
  const server = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await t.rejects(callApi(api, 'POST', '/panic', { reason: 'slow' }, 50), { code: 'UNAVAILABLE', message: /has not answered within 0\.05 s\. What was asked for may be under way/ })
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  await t.rejects(callApi(api, 'GET', '/panic'), { code: 'UNAVAILABLE', message: /^no AutoShield answers at/ })
})
