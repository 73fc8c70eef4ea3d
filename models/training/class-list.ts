import { CLASSES, CLASS_NAME } from '../../src/core/classes.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import { nearest } from '../../src/core/policy/nearest.ts'
import type { Run } from './run-source.ts'

/** The shipped classes, then those of one's own in their order: labels are indices into it. Throws USAGE for what cannot be one. */
export function withOwn (own: readonly string[]): readonly string[] {
  const wrong = own.find((name) => !new RegExp(CLASS_NAME).test(name))
  if (wrong !== undefined) throw new AutoshieldError('USAGE', `--class ${JSON.stringify(wrong)} names no class; write a letter, then letters, digits, _ and -, at most 63, such as CUSTOM_ATTACK`)
  return [...new Set([...CLASSES, ...own])]
}

/** Throws BAD_DATA where a run is labelled with a class that nobody named: a slip would be a class of its own. */
export function checkClasses ({ labels }: Run, classes: readonly string[]): void {
  const unknown = labels.attacks.find(({ class: name }) => !classes.includes(name))
  if (unknown === undefined) return
  const near = nearest(unknown.class, classes)
  throw new AutoshieldError('BAD_DATA', `the labels of ${labels.run} have an attack of class ${unknown.class}, which is none of ${classes.slice(1).join(', ')}; ${near === null ? '' : `write ${near}, or `}name it as a class of your own with --class ${unknown.class}`)
}
