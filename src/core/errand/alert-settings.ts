import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { parseDocument } from 'yaml'
import { AutoshieldError } from '../errors.ts'

const closed = { additionalProperties: false } as const
const url = Type.String({ maxLength: 2000, description: 'Where it is sent.' })
const urlFile = Type.String({ minLength: 1, description: 'File that holds the address, where that is a secret itself.' })
const secretFile = Type.String({ minLength: 1, description: 'File that holds the key of the signature, read anew each time.' })
const hosts = (description: string) => Type.Array(Type.String({ pattern: '^[A-Za-z0-9.:-]+$', maxLength: 253 }), { default: [], description })

export const Channel = Type.Union([
  Type.Object({ kind: Type.Literal('log') }, closed),
  Type.Object({
    kind: Type.Literal('webhook'),
    url: Type.Optional(url),
    urlFile: Type.Optional(urlFile),
    form: Type.Optional(Type.Union([Type.Literal('notice'), Type.Literal('ocsf')], { description: 'notice: as AutoShield tells it. ocsf: a Detection Finding (class 2004). notice unless given.' })),
    secretFile: Type.Optional(secretFile),
  }, closed),
  Type.Object({ kind: Type.Literal('slack'), url: Type.Optional(url), urlFile: Type.Optional(urlFile) }, closed),
  Type.Object({ kind: Type.Literal('alertmanager'), url: Type.Optional(url), urlFile: Type.Optional(urlFile) }, closed),
])
export type Channel = Static<typeof Channel>
export type SentChannel = Exclude<Channel, { kind: 'log' }>

/** Where alerts go, what signs the messages of rules, and whom messages may reach beside public addresses. */
export const AlertSettings = Type.Object({
  channels: Type.Optional(Type.Record(Type.String({ pattern: '^[A-Za-z0-9_.-]{1,100}$' }), Channel, { description: 'By the name that rules use. `default` is the log unless it is given.' })),
  webhooks: Type.Optional(Type.Object({ secretFile }, { ...closed, description: 'Of the action custom_webhook; without it, none is sent.' })),
  privateHosts: Type.Optional(hosts('Hosts, by name or address as rules and channels write them, that may be at private addresses, as Services are.')),
  localHosts: Type.Optional(hosts('Hosts that may be this machine or its link. Services that hand out credentials are refused all the same.')),
}, { $id: 'AlertSettings', ...closed })
export type AlertSettings = Readonly<Static<typeof AlertSettings>>

export const NO_ALERT_SETTINGS: AlertSettings = {}

const validator = Compile(AlertSettings)

/** Throws BAD_DATA with every problem of the YAML text; `name` is what people call it. */
export function parseAlertSettings (text: string, name: string): AlertSettings {
  const document = parseDocument(text)
  const value: unknown = document.errors.length > 0 ? null : document.toJS({ maxAliasCount: 0 }) ?? {}
  const problems = document.errors.length > 0 ? document.errors.map(({ message }) => message) : problemsOf(value)
  if (problems.length > 0 || !validator.Check(value)) throw new AutoshieldError('BAD_DATA', problems.map((problem) => `${name}: ${problem}`).join('\n'))
  return value
}

function problemsOf (value: unknown): string[] {
  if (!validator.Check(value)) return [...validator.Errors(value)].map(({ instancePath, message }) => `${instancePath === '' ? 'the whole' : instancePath} ${message}`)
  return Object.entries(value.channels ?? {}).flatMap(([name, channel]) => channel.kind === 'log' ? [] : addressProblems(name, channel))
}

function addressProblems (name: string, { url: address, urlFile: file }: SentChannel): string[] {
  if ((address === undefined) === (file === undefined)) return [`channel ${JSON.stringify(name)} needs either url or urlFile`]
  return address === undefined || isAddress(address) ? [] : [`the url of channel ${JSON.stringify(name)} is no http or https address without a user: secrets are given by reference`]
}

function isAddress (text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}

/** null where no channel has the name. */
export function channelOf (settings: AlertSettings, name: string): Channel | null {
  const { channels = {} } = settings
  const found = Object.hasOwn(channels, name) ? channels[name] : undefined
  return found ?? (name === 'default' ? { kind: 'log' } : null)
}
