import type { Command } from 'commander'
import type { Proxy } from '../console/api/views.ts'
import { needsLooking, type Standing } from '../core/mitigation/proxy-standing.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { fetchProxies, podOf } from './fetch-proxies.ts'
import { apiOption } from './loop-api.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'

export const STANDING_WORDS: Readonly<Record<Standing, string>> = { 'in-sync': 'in sync', stale: 'stale', silent: 'silent', rejected: 'rejected', away: 'away' }

const COLUMNS: readonly Column<Proxy>[] = [
  { title: 'POD', of: podOf },
  { title: 'STATE', of: ({ standing }) => STANDING_WORDS[standing] },
  { title: 'SINCE', of: ({ since }) => since },
  { title: 'VERSION', of: ({ version }) => version === '' ? '-' : version },
  { title: 'RESTRICTIONS', of: carried },
  { title: 'REFUSED', of: ({ refused }) => refused.length === 0 ? '-' : refused.map(({ mitigation, message }) => `${mitigation}: ${message}`).join('; ') },
  { title: 'WORDS', of: ({ message, shortfalls, clientAddress }) => [message, ...shortfalls.map((each) => `${each.mitigation}: ${each.message}`), hidden(clientAddress)].filter((words) => words !== '').join('; ') || '-' },
]

/** Nothing where applications see whom they talk to. */
const hidden = (address: Proxy['clientAddress']): string => address?.kind === 'hidden' ? `applications see the pod's own address as their clients': ${address.why}` : ''

/** Names, with `(shadow)` behind those that are only counted and `(new)` behind those that the proxy has not taken yet. */
function carried ({ mitigations, restrictions }: Proxy): string {
  if (mitigations.length === 0) return '-'
  const known = new Map(restrictions.map((restriction) => [restriction.mitigation, restriction]))
  return mitigations.map((name) => {
    const restriction = known.get(name)
    const marks = [restriction?.shadow === true ? 'shadow' : [], restriction?.taken === false ? 'new' : []].flat()
    return marks.length === 0 ? name : `${name} (${marks.join(', ')})`
  }).join(', ')
}

export function proxyStatusCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('proxy-status', 'every proxy: whether it has taken its newest configuration, what it carries, what it refused and why', [
    'autoshield proxy-status',
    'autoshield proxy-status -n shop',
    'autoshield proxy-status -o json | jq -r \'select(.standing != "in-sync") | .podUid\'',
  ]).option('-n, --namespace <name>', 'only those of its pods')
    .addOption(outputOption()).addOption(apiOption())
    .action(async ({ namespace, output, api }: { namespace?: string, output: OutputFormat, api: string }) => {
      const proxies = await fetchProxies(api, namespace)
      const printer = new RowPrinter(context.stdout, output, COLUMNS)
      for (const proxy of proxies) await printer.print(proxy)
      await printer.end(`no proxy is known${namespace === undefined ? '' : ` in the namespace ${namespace}`}: label a namespace autoshield.dev/proxy=enabled, or point an Envoy at AutoShield`)
      done(proxies.some(({ standing, refused }) => needsLooking(standing, refused)) ? EXIT.findings : EXIT.ok)
    })
}
