import { Value } from 'typebox/value'
import { CLASSES, CLASS_NAME, type OwnTechniques } from '../../src/core/classes.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import { OwnTechnique } from '../../src/core/model/own-technique.ts'
import { nearest } from '../../src/core/policy/nearest.ts'
import type { Run } from './run-source.ts'

/** What `--class` names: classes of one's own, each as NAME or as NAME="ID TITLE" with its ATT&CK technique. */
interface OwnClasses {
  readonly names: readonly string[]
  readonly techniques: OwnTechniques
}

/** Throws USAGE for a technique that cannot be one, or that is not one's own to name. */
export function readOwn (flags: readonly string[]): OwnClasses {
  const techniques: [string, OwnTechniques[string]][] = []
  const names = flags.map((flag) => {
    const at = flag.indexOf('=')
    if (at < 0) return flag
    const [name, said] = [flag.slice(0, at), flag.slice(at + 1)]
    const [, id = '', title = ''] = /^(\S+) (.+)$/.exec(said) ?? []
    const technique = { id, name: title }
    if (!Value.Check(OwnTechnique, technique)) throw new AutoshieldError('USAGE', `--class ${JSON.stringify(flag)} names no ATT&CK technique; write its id and what ATT&CK calls it, such as --class "${name}=T1071.001 Web Protocols", or --class ${name} without one`)
    if ((CLASSES as readonly string[]).includes(name)) throw new AutoshieldError('USAGE', `--class ${JSON.stringify(flag)} names a technique for a class that comes with this program, and its technique with it; leave the flag out`)
    techniques.push([name, technique])
    return name
  })
  return { names, techniques: Object.fromEntries(techniques) }
}

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
