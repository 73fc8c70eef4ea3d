import { Compile } from 'typebox/compile'
import { isNode, LineCounter, parseDocument, type Document } from 'yaml'
import { AutoshieldError } from '../../src/core/errors.ts'
import { parseQuantity } from '../../src/core/injection/quantity.ts'
import { InjectionSettings } from '../../src/core/injection/settings.ts'
import { DEFAULT_REVISION } from '../../src/core/injection/names.ts'
import { isJson, type Json } from './pod-shape.ts'
import { quote } from './finding.ts'

const MAX_CHARACTERS = 65_536

/** What holds where the file says nothing; `image`, `detector` and `identity` must be said. */
const DEFAULTS = {
  revision: DEFAULT_REVISION,
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: [],
  trustDomain: 'autoshield.local',
  excludedNamespaces: ['kube-system', 'kube-public', 'kube-node-lease', 'autoshield'],
  // Fits at privileged and baseline, and beside pods that restricted would admit it gives way to restricted (profile.ts).
  defaultPodSecurity: 'baseline',
  sidecar: 'auto',
  podLabel: 'admission',
  healthPort: 18009,
  tokenSeconds: 3600,
  // An observer has 96 MiB resident (measured), 43 of them its own; the rest are pages of Node that observers of a node share.
  requests: { cpu: '10m', memory: '80Mi' },
  limits: { cpu: '200m', memory: '192Mi' },
  maximum: { cpu: '1', memory: '1Gi' },
  xds: null,
  // Envoy has 65 MiB resident at rest and its keeper 90 (measured).
  proxyRequests: { cpu: '20m', memory: '160Mi' },
  proxyLimits: { cpu: '2', memory: '512Mi' },
  proxyConnections: 20_000,
} as const satisfies Partial<InjectionSettings>

const QUANTITY = 'Write a quantity such as 100m or 0.5 for cpu, 128Mi for memory'
const MENDS: Readonly<Record<keyof InjectionSettings, string>> = {
  revision: 'Write lower-case letters, digits and hyphens, as in a label',
  image: 'Name the image that observers run, e.g. registry.example/autoshield:1.0',
  imagePullPolicy: 'Write Always, IfNotPresent or Never',
  imagePullSecrets: 'Write a list of names of Secrets',
  trustDomain: 'Write a SPIFFE trust domain: lower-case letters, digits, dots, hyphens',
  detector: 'Write HOST:PORT of the detector',
  identity: 'Write HOST:PORT of the controller, which issues certificates',
  excludedNamespaces: 'Write a list of names of namespaces',
  defaultPodSecurity: 'Write privileged, baseline or restricted',
  sidecar: 'Write auto, native or container',
  podLabel: 'Write admission or mitigation',
  healthPort: 'Write a port from 1024 to 65535',
  tokenSeconds: 'Write seconds from 600 to 86400',
  requests: QUANTITY,
  limits: QUANTITY,
  maximum: QUANTITY,
  xds: 'Write HOST:PORT of the xDS server, or null for no proxies',
  proxyRequests: QUANTITY,
  proxyLimits: QUANTITY,
  proxyConnections: 'Write a number from 100 to 1000000',
}

const validator = Compile(InjectionSettings)
const validators = new Map(Object.entries(InjectionSettings.properties).map(([name, schema]) => [name, Compile(schema)]))

/**
 * Reads the settings of injection. `from` names the file in messages.
 * Throws AutoshieldError BAD_DATA with every problem, each with its line and its mend.
 */
export function parseInjectionSettings (text: string, from: string): InjectionSettings {
  if (text.length > MAX_CHARACTERS) throw new AutoshieldError('BAD_DATA', `${from}: ${text.length} characters are too many for settings. Use at most ${MAX_CHARACTERS}.`)
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2', schema: 'core', merge: false })
  const problems = document.errors.map(({ message, pos }) => `${from}:${lines.linePos(pos[0]).line}: not valid YAML: ${message}. Correct the YAML here.`)
  if (problems.length > 0) throw refused(problems)
  const written = readValue(document, from) ?? {}
  if (!isJson(written)) throw refused([`${from}:1: settings are "name: value" lines. Begin with image: and the observer's image.`])
  const settings: Json = { ...DEFAULTS, ...withQuantitiesAsText(written) }
  const tell = (faults: readonly Fault[]): readonly string[] => faults.map((fault) => ({ ...fault, line: lineOf(document, lines, fault.path) }))
    .sort((one, other) => one.line - other.line).map(({ line, message, mend }) => `${from}:${line}: ${message}. ${mend}.`)
  if (!validator.Check(settings)) throw refused(tell(faultsOf(settings)))
  const inconsistent = tell(inconsistencies(settings))
  if (inconsistent.length > 0) throw refused(inconsistent)
  return settings
}

function readValue (document: Document.Parsed, from: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch (cause) { // what it throws for an alias, and for nothing else
    throw new AutoshieldError('BAD_DATA', `${from}: aliases (*name) are not taken in settings. Write the value out.`, { cause })
  }
}

const refused = (problems: readonly string[]): AutoshieldError => new AutoshieldError('BAD_DATA', problems.join('\n'))

interface Fault { readonly path: readonly string[], readonly message: string, readonly mend: string }

function faultsOf (settings: Json): readonly Fault[] {
  const known = new Map(Object.entries(MENDS))
  const unknown = Object.keys(settings).filter((name) => !known.has(name))
    .map((name): Fault => ({ path: [name], message: `${quote(name)} is no setting`, mend: `Settings are ${[...known.keys()].join(', ')}` }))
  // One at a time: the library stops after eight errors of a whole.
  const wrong = [...known].filter(([name]) => settings[name] !== undefined && validators.get(name)?.Check(settings[name]) === false)
    .map(([name, mend]): Fault => ({ path: [name], message: `${name} is ${describe(settings[name])}`, mend }))
  const missing = [...known].filter(([name]) => settings[name] === undefined).map(([name, mend]): Fault => ({ path: [], message: `${name} is missing`, mend }))
  return [...missing, ...unknown, ...wrong]
}

const describe = (value: unknown): string => (JSON.stringify(value) as string | undefined)?.slice(0, 120) ?? 'missing'

/** What each value allows alone and together they do not. */
function inconsistencies ({ requests, limits, maximum, proxyRequests, proxyLimits, detector, identity, xds }: InjectionSettings): readonly Fault[] {
  const faults: Fault[] = []
  for (const name of ['cpu', 'memory'] as const) {
    const [request, limit, most] = [requests, limits, maximum].map((quantities) => parseQuantity(quantities[name]))
    for (const [group, value] of [['requests', request], ['limits', limit], ['maximum', most]] as const) {
      if (value === undefined || value === null || value === 0n) faults.push({ path: [group], message: `${group}.${name} is ${quote({ requests, limits, maximum }[group][name])}`, mend: `${QUANTITY}, above 0` })
    }
    if ((request ?? 0n) > (limit ?? 0n)) faults.push({ path: ['requests'], message: `requests.${name} ${requests[name]} is more than limits.${name} ${limits[name]}`, mend: 'Lower the request or raise the limit' })
    for (const [group, bound] of Object.entries({ proxyRequests, proxyLimits })) {
      if ((parseQuantity(bound[name]) ?? 0n) === 0n) faults.push({ path: [group], message: `${group}.${name} is ${quote(bound[name])}`, mend: `${QUANTITY}, above 0` })
    }
    if ((parseQuantity(proxyRequests[name]) ?? 0n) > (parseQuantity(proxyLimits[name]) ?? 0n)) faults.push({ path: ['proxyRequests'], message: `proxyRequests.${name} ${proxyRequests[name]} is more than proxyLimits.${name} ${proxyLimits[name]}`, mend: 'Lower the request or raise the limit' })
    if ((limit ?? 0n) > (most ?? 0n)) faults.push({ path: ['limits'], message: `limits.${name} ${limits[name]} is more than maximum.${name} ${maximum[name]}`, mend: 'Lower the limit or raise the maximum' })
  }
  for (const [name, endpoint] of Object.entries({ detector, identity, ...xds === null ? {} : { xds } })) {
    const port = Number(endpoint.slice(endpoint.lastIndexOf(':') + 1))
    if (port < 1 || port > 65535) faults.push({ path: [name], message: `${name} is ${endpoint}, and ${port} is no port`, mend: 'Write a port from 1 to 65535' })
  }
  return faults
}

/** `cpu: 1` is a number in YAML and a quantity to Kubernetes. */
function withQuantitiesAsText (written: Json): Json {
  const asText = (value: unknown): unknown => isJson(value) ? Object.fromEntries(Object.entries(value).map(([name, quantity]) => [name, typeof quantity === 'number' ? String(quantity) : quantity])) : value
  return Object.fromEntries(Object.entries(written).map(([name, value]) => {
    if (name !== 'requests' && name !== 'limits' && name !== 'maximum' && name !== 'proxyRequests' && name !== 'proxyLimits') return [name, value]
    // Half a pair is completed: `limits: { memory: 256Mi }` leaves the processor's limit as it is by default.
    return [name, isJson(value) ? { ...DEFAULTS[name], ...asText(value) as Json } : value]
  }))
}

function lineOf (document: Document.Parsed, lines: LineCounter, path: readonly string[]): number {
  const contents: unknown = document.contents
  if (path.length === 0 || !isNode(contents)) return 1
  const node = document.getIn(path, true)
  return isNode(node) && node.range != null ? lines.linePos(node.range[0]).line : 1
}
