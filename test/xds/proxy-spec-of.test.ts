import t from 'tap'
import type { PodProxy } from '../../src/core/injection/pod-proxy.ts'
import { proxySpecOf } from '../../xds/proxy-spec-of.ts'

const PROXY: PodProxy = { mode: 'redirect', inboundPort: 15_006, outboundPort: null, httpPorts: [], explicitPorts: [] }
const pod = { uid: 'u1', addresses: ['10.0.0.1', 'fd00::1'] }

t.test('a redirect is told by its port alone', async (t) => {
  t.match(proxySpecOf({ ...pod, addresses: [], proxy: PROXY }), { podUid: 'u1', inbound: { mode: 'redirect', port: 15_006 } })
})

t.test('the port by which the client\'s address is kept is told where the pod was injected with one', async (t) => {
  t.match(proxySpecOf({ ...pod, proxy: { ...PROXY, transparentPort: 15_007 } }), { inbound: { mode: 'redirect', port: 15_006, transparentPort: 15_007 } })
  t.notHas(proxySpecOf({ ...pod, proxy: PROXY })?.inbound, { transparentPort: 15_007 })
})

t.test('an explicit proxy listens on each address of the pod, before the application on loopback', async (t) => {
  const proxy = { ...PROXY, mode: 'explicit' as const, explicitPorts: [{ listen: 18_080, application: 8080 }] }
  t.match(proxySpecOf({ ...pod, proxy }), {
    inbound: {
      mode: 'explicit',
      ports: [
        { listen: { address: '10.0.0.1', port: 18_080 }, upstream: { address: '127.0.0.1', port: 8080 } },
        { listen: { address: 'fd00::1', port: 18_080 }, upstream: { address: '127.0.0.1', port: 8080 } },
      ]
    }
  })
  t.equal(proxySpecOf({ ...pod, addresses: [], proxy }), null, 'until the pod has an address')
})

t.test('it logs to the socket that it shares with the observer, where it shares one', async (t) => {
  t.equal(proxySpecOf({ ...pod, proxy: PROXY })?.accessLog, null, 'it was injected by an earlier release')
  t.same(proxySpecOf({ ...pod, proxy: { ...PROXY, accessLog: true } })?.accessLog, { socket: '/run/autoshield-log/als.sock' })
  t.match(proxySpecOf({ ...pod, proxy: { ...PROXY, mode: 'explicit', explicitPorts: [{ listen: 18_080, application: 8080 }], accessLog: true } }), { accessLog: { socket: '/run/autoshield-log/als.sock' } })
})

t.test('a pod without an Envoy has none', async (t) => {
  t.equal(proxySpecOf({ ...pod, proxy: null }), null)
  t.equal(proxySpecOf(pod), null)
})
