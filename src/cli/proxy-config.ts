import { type Command, Option } from 'commander'
import { stringify } from 'yaml'
import type { Proxy } from '../console/api/views.ts'
import type { OpenConnections } from '../core/mitigation/open-connections.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { fetchProxies, findProxy, podOf } from './fetch-proxies.ts'
import { apiOption, callApi } from './loop-api.ts'
import { type Column, plain, RowPrinter } from './output.ts'
import { STANDING_WORDS } from './proxy-status.ts'
import { summaryOf, type Summary } from './proxy-summary.ts'

const FORMATS = ['summary', 'json', 'yaml'] as const
type Format = (typeof FORMATS)[number]

type Of<Name extends keyof Summary> = Summary[Name] extends readonly (infer Row)[] ? Row : never

const LISTENERS: readonly Column<Of<'listeners'>>[] = [
  { title: 'LISTENER', of: ({ name }) => name }, { title: 'ADDRESS', of: ({ address }) => address }, { title: 'CHAINS', of: ({ chains }) => chains },
]
const CHAINS: readonly Column<Of<'chains'>>[] = [
  { title: 'LISTENER', of: ({ listener }) => listener },
  { title: 'CHAIN', of: ({ name }) => name },
  { title: 'PEER', of: ({ peer }) => peer === '' ? 'everybody' : peer },
  { title: 'PORT', of: ({ port }) => port },
  { title: 'FILTERS', of: ({ filters }) => filters },
]
const CLUSTERS: readonly Column<Of<'clusters'>>[] = [{ title: 'CLUSTER', of: ({ name }) => name }, { title: 'TYPE', of: ({ type }) => type }]
const ROUTES: readonly Column<Of<'routes'>>[] = [{ title: 'ROUTES', of: ({ name }) => name }, { title: 'OTHER THAN EVERYBODY\'S FOR', of: ({ sources }) => sources === '' ? '-' : sources }]

type Restriction = Proxy['restrictions'][number]
const RESTRICTIONS: readonly Column<Restriction>[] = [
  { title: 'RESTRICTION', of: ({ mitigation }) => mitigation },
  { title: 'SOURCE', of: ({ sources }) => sources.join(',') },
  { title: 'PORTS', of: ({ ports }) => ports?.join(',') ?? 'any' },
  { title: 'ACTION', of: ({ action, limit }) => limit === undefined ? action : `${action} ${limit.value} ${limit.unit}` },
  { title: 'MODE', of: ({ shadow }) => shadow ? 'shadow' : 'enforce' },
  { title: 'TAKEN', of: ({ taken }) => taken ? 'yes' : 'no' },
  { title: 'OPEN CONNECTIONS', of: ({ openConnections }) => openConnections.length === 0 ? '-' : openConnections.map(openConnectionsWords).join('; ') },
  { title: 'EXPIRES', of: ({ expiresAt }) => expiresAt },
]

/** `80,81: none, they go on until they end`. */
function openConnectionsWords ({ ports, means, since }: OpenConnections): string {
  const where = ports === undefined ? '' : `${ports.join(',')}: `
  switch (means) {
    case 'route': return `${where}route`
    case 'sockets': return `${where}sockets`
    case 'chain': return `${where}chain${since === undefined ? '' : `, those since ${since}`}`
    case 'none': return `${where}none, they go on until they end`
  }
}

export function proxyConfigCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('proxy-config', 'what one proxy is configured with: listeners, chains by source, clusters, routes, restrictions', [
    'autoshield proxy-config shop/db-0',
    'autoshield proxy-config db-0 -o yaml',
    'autoshield proxy-config db-0 -o json | jq .resources.listeners',
  ]).argument('<pod>', 'its name, namespace/name or UID')
    .addOption(new Option('-o, --output <format>', 'how to print; json and yaml are the resources whole').choices(FORMATS).default('summary'))
    .addOption(apiOption())
    .action(async (pod: string, { output, api }: { output: Format, api: string }) => {
      const proxy = findProxy(await fetchProxies(api), pod)
      const snapshot = await callApi(api, 'GET', `/proxies/${encodeURIComponent(proxy.podUid)}/snapshot`)
      switch (output) {
        case 'json': context.stdout.write(`${JSON.stringify(snapshot)}\n`); break
        case 'yaml': context.stdout.write(stringify(snapshot)); break
        case 'summary': await printSummary(context, proxy, summaryOf(snapshot))
      }
      done(EXIT.ok)
    })
}

async function printSummary (context: CliContext, proxy: Proxy, { version, ...summary }: Summary): Promise<void> {
  const words = [`version ${version}`, ...proxy.message === '' ? [] : [proxy.message]].join(', ')
  context.stdout.write(plain(`${podOf(proxy)}: ${STANDING_WORDS[proxy.standing]} since ${proxy.since}, ${words}`) + '\n')
  await section(context, LISTENERS, summary.listeners, 'no listener')
  await section(context, CHAINS, summary.chains, 'no chain')
  await section(context, CLUSTERS, summary.clusters, 'no cluster')
  await section(context, ROUTES, summary.routes, 'no routes: no port is declared to speak HTTP')
  await section(context, RESTRICTIONS, proxy.restrictions, 'no restriction')
}

async function section<T> ({ stdout }: CliContext, columns: readonly Column<T>[], rows: readonly T[], empty: string): Promise<void> {
  stdout.write('\n')
  const printer = new RowPrinter(stdout, 'table', columns)
  for (const row of rows) await printer.print(row)
  await printer.end(empty)
}
