import t from 'tap'
import { AutoshieldError } from '../../../src/core/errors.ts'
import { parseInjectionSettings } from '../../../webhook/inject/settings-file.ts'

const LEAST = 'image: registry.example/autoshield:1\ndetector: detector:18001\nidentity: "[fd00::1]:18443"\n'

function problems (text: string): readonly string[] {
  try {
    parseInjectionSettings(text, 'injection.yaml')
  } catch (error) {
    if (error instanceof AutoshieldError && error.code === 'BAD_DATA') return error.message.split('\n')
    throw error
  }
  return []
}

t.test('image, detector and identity are enough', async (t) => {
  t.match(parseInjectionSettings(LEAST, 'injection.yaml'), {
    revision: 'default',
    imagePullPolicy: 'IfNotPresent',
    defaultPodSecurity: 'baseline',
    sidecar: 'auto',
    excludedNamespaces: ['kube-system', 'kube-public', 'kube-node-lease', 'autoshield'],
    limits: { cpu: '200m', memory: '192Mi' },
  })
})

t.test('half a pair of quantities is completed, and a number is a quantity', async (t) => {
  t.strictSame(parseInjectionSettings(`${LEAST}limits: { cpu: 1 }\n`, 'x').limits, { cpu: '1', memory: '192Mi' })
})

t.test('every problem is told at once, with its line and its mend', async (t) => {
  t.strictSame(problems('image: ""\nidentity: nowhere\nsidecar: perhaps\nspeed: 9\nlimits:\n  cpu: much\n'), [
    'injection.yaml:1: detector is missing. Write HOST:PORT of the detector.',
    'injection.yaml:1: image is "". Name the image that observers run, e.g. registry.example/autoshield:1.0.',
    'injection.yaml:2: identity is "nowhere". Write HOST:PORT of the controller, which issues certificates.',
    'injection.yaml:3: sidecar is "perhaps". Write auto, native or container.',
    'injection.yaml:4: "speed" is no setting. Settings are revision, image, imagePullPolicy, imagePullSecrets, trustDomain, detector, identity, excludedNamespaces, defaultPodSecurity, sidecar, podLabel, healthPort, tokenSeconds, requests, limits, maximum, xds, proxyRequests, proxyLimits, proxyConnections.',
    'injection.yaml:6: limits is {"cpu":"much","memory":"192Mi"}. Write a quantity such as 100m or 0.5 for cpu, 128Mi for memory.',
  ])
})

t.test('requests are at most limits, limits at most the maximum, nothing is nothing, a port is a port', async (t) => {
  t.strictSame(problems(`${LEAST}requests: { cpu: 300m }\nlimits: { memory: 2Gi }\nmaximum: { cpu: 0 }\n`), [
    'injection.yaml:4: requests.cpu 300m is more than limits.cpu 200m. Lower the request or raise the limit.',
    'injection.yaml:5: limits.cpu 200m is more than maximum.cpu 0. Lower the limit or raise the maximum.',
    'injection.yaml:5: limits.memory 2Gi is more than maximum.memory 1Gi. Lower the limit or raise the maximum.',
    'injection.yaml:6: maximum.cpu is "0". Write a quantity such as 100m or 0.5 for cpu, 128Mi for memory, above 0.',
  ])
  t.strictSame(problems(LEAST.replace('18001', '70000')), ['injection.yaml:2: detector is detector:70000, and 70000 is no port. Write a port from 1 to 65535.'])
})

for (const [what, text] of Object.entries({ nothing: '', 'a list': '- image\n', 'broken YAML': 'image: [', 'an alias': `${LEAST}revision: &r a\ntrustDomain: *r\n`, 'too much': `${LEAST}#${'x'.repeat(70_000)}` })) {
  t.test(`${what} is refused by name`, async (t) => {
    t.match(problems(text)[0], /^injection\.yaml/)
  })
}
