import type { PlanEffect } from '../core/plan/effect.ts'
import type { CliContext } from './context.ts'
import { type Column, type OutputFormat, RowPrinter } from './output.ts'

const OPTIONS: readonly Column<PlanEffect['options'][number]>[] = [
  { title: 'POLICIES', of: ({ policies }) => policies.join(' and ') },
  { title: 'STATE', of: ({ state }) => state },
  { title: 'CUTS', of: ({ cuts: { total, listed: [first] } }) => first === undefined ? '-' : `${first.source} > ${first.destination}${total > 1 ? ` and ${total - 1} more` : ''}` },
  { title: 'FLOWS', of: ({ flows }) => String(flows.reduce((sum, { connections }) => sum + connections, 0)) },
  { title: 'COST', of: ({ cost }) => String(cost) },
  { title: 'REASON', of: ({ reason }) => reason },
  { title: 'WHY', of: ({ message }) => message },
]

/** The ways of carrying a restriction, one a row. */
export async function printEffect ({ stdout, stderr }: Pick<CliContext, 'stdout' | 'stderr'>, { options, unjudged }: PlanEffect, output: OutputFormat): Promise<void> {
  const printer = new RowPrinter(stdout, output, OPTIONS)
  for (const option of options) await printer.print(option)
  if (unjudged.length > 0) stderr.write(`not judged, in Cilium's own language: ${unjudged.join(', ')}; what they keep closed counts as open\n`)
  await printer.end('no NetworkPolicy can carry it: nobody stands where its rule wants it cut')
}
