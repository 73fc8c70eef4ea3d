import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { CLASSES, type OwnTechniques } from '../classes.ts'

/** An ATT&CK technique as a manifest names it for a class of one's own. */
export const OwnTechnique = Type.Object({
  id: Type.String({ pattern: '^T\\d{4}(\\.\\d{3})?$', description: 'Such as T1071, or T1071.001.' }),
  name: Type.String({ pattern: '^[!-~]([ -~]{0,98}[!-~])?$', description: 'As ATT&CK calls it.' }),
}, { additionalProperties: false })

/** Of classes of one's own, by class. */
export const TechniquesByClass = Type.Record(Type.String(), OwnTechnique)

/** What is wrong with techniques that are named beside these classes, in words; null where nothing is. */
export function wrongTechniques (techniques: OwnTechniques, classes: readonly string[]): string | null {
  if (!Value.Check(TechniquesByClass, techniques)) return 'a technique needs an id such as T1071.001 and the name that ATT&CK gives it'
  const shipped = Object.keys(techniques).find((name) => (CLASSES as readonly string[]).includes(name))
  if (shipped !== undefined) return `the technique of ${shipped} is not a model's to name: it comes with this program`
  const unknown = Object.keys(techniques).find((name) => !classes.includes(name))
  return unknown === undefined ? null : `a technique is named for ${unknown}, which is none of the model's classes ${classes.join(', ')}`
}
