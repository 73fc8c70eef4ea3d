import t from 'tap'
import type { InjectionSettings } from '../../../src/core/injection/settings.ts'
import { templateHash } from '../../../webhook/inject/template-hash.ts'
import { contextWith } from './cases.ts'

const usual = templateHash(contextWith())

t.test('equal settings and authorities have equal hashes', async (t) => {
  t.match(usual, /^[0-9a-f]{16}$/)
  t.equal(templateHash(contextWith()), usual)
  t.equal(templateHash(contextWith({ requests: { cpu: '0.01', memory: '80Mi' } })), usual, 'a quantity written otherwise is the same')
})

const CHANGES: Partial<InjectionSettings> = {
  revision: 'v2',
  image: 'registry.example/autoshield:2',
  imagePullPolicy: 'Always',
  imagePullSecrets: ['registry'],
  trustDomain: 'other',
  detector: 'other:1',
  identity: 'other:2',
  defaultPodSecurity: 'privileged',
  sidecar: 'container',
  healthPort: 18010,
  tokenSeconds: 7200,
  requests: { cpu: '20m', memory: '80Mi' },
  limits: { cpu: '200m', memory: '193Mi' },
  maximum: { cpu: '2', memory: '1Gi' },
}
for (const [name, value] of Object.entries(CHANGES)) {
  t.test(`a pod is stale when the setting ${name} has changed`, async (t) => {
    t.not(templateHash(contextWith({ [name]: value })), usual)
  })
}

t.test('where proxies are injected, their settings count, and only there', async (t) => {
  const xds = 'autoshield-xds.autoshield.svc:18000'
  const withProxies = templateHash(contextWith({ xds }))
  t.not(withProxies, usual)
  const changes: Partial<InjectionSettings> = { proxyRequests: { cpu: '30m', memory: '160Mi' }, proxyLimits: { cpu: '2', memory: '1Gi' }, proxyConnections: 100 }
  for (const [name, value] of Object.entries(changes)) {
    t.not(templateHash(contextWith({ xds, [name]: value })), withProxies, name)
    t.equal(templateHash(contextWith({ [name]: value })), usual, `${name} without xds`)
  }
})

t.test('a pod is stale when an authority has come or gone', async (t) => {
  t.not(templateHash(contextWith({}, { authorities: 'other' })), usual)
})

t.test('a newer cluster and another excluded namespace make no pod stale', async (t) => {
  t.equal(templateHash(contextWith({ excludedNamespaces: [] }, { cluster: { major: 1, minor: 99 } })), usual)
})
