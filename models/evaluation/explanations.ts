import { CLASSES } from '../../src/core/classes.ts'
import type { Faithfulness } from './faithfulness.ts'

/** How many times as far as without random parts. */
const AIM = 3

/** Markdown: whether explanations are true, by class. */
export function explanationsText (all: readonly Faithfulness[]): string {
  const classes = [...new Set([...CLASSES.slice(1), ...all.map(({ className }) => className)])].filter((name) => all.some(({ className }) => className === name))
  const rows = [...classes.map((name) => ({ name, of: all.filter(({ className }) => className === name) })), { name: '**all**', of: all }]
  return [
    '## Whether explanations are true',
    `${all.length} explanations. The fall is that of the class's probability with the named parts at their usual values, beside the mean over every set of as many parts ("random"), and the most that any of these sets does; overlap is the share of the three first parts that stay so under noise of 2 % on every value.`,
    '| class | explanations | parts named | fall | random | ratio | most | at least 3 times random | overlap | a change was found | of one feature | nearest example of the class |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(({ name, of }) => `| ${[
      name, of.length, mean(of, ({ named }) => named).toFixed(1), mean(of, ({ fall }) => fall).toFixed(3), mean(of, ({ randomFall }) => randomFall).toFixed(3), ratioOf(of).toFixed(1),
      mean(of, ({ mostFall }) => mostFall).toFixed(3), `${of.filter(({ fall, randomFall }) => fall >= AIM * randomFall && fall > 0).length} of ${of.length}`, mean(of, ({ overlap }) => overlap).toFixed(2),
      `${of.filter(({ changed }) => changed !== null).length} of ${of.length}`, of.filter(({ changed }) => changed === 1).length, nearestText(of),
    ].join(' | ')} |`),
  ].join('\n').replace('\n', '\n\n').replace('\n|', '\n\n|')
}

const mean = (of: readonly Faithfulness[], value: (one: Faithfulness) => number): number => of.reduce((sum, one) => sum + value(one), 0) / of.length

/** How many times as far the probability falls without the named parts as without random ones: of the means. */
export const ratioOf = (of: readonly Faithfulness[]): number => mean(of, ({ fall }) => fall) / mean(of, ({ randomFall }) => randomFall)

function nearestText (of: readonly Faithfulness[]): string {
  const known = of.filter(({ nearestAgrees }) => nearestAgrees !== null)
  return known.length === 0 ? '-' : `${known.filter(({ nearestAgrees }) => nearestAgrees).length} of ${known.length}`
}
