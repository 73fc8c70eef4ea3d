/** The classes of the shipped model, in the order of its outputs. A manifest may name others; policy and console follow the manifest. */
export const CLASSES = ['BENIGN', 'LATERAL_MOVEMENT', 'PORT_SCAN', 'SYN_FLOOD', 'BRUTE_FORCE', 'DATA_EXFILTRATION'] as const
/** How a class may be called: names become labels of metrics, words of policies and text of the page. */
export const CLASS_NAME = '^[A-Za-z][A-Za-z0-9_-]{0,62}$'
/** Those that the project ships. */
export type AttackClass = Exclude<(typeof CLASSES)[number], 'BENIGN'>

export interface Technique { id: string, name: string, url: string }
/** What a model names for its classes of one's own, by class (core/model/own-technique.ts). */
export type OwnTechniques = Readonly<Record<string, Pick<Technique, 'id' | 'name'>>>

/** ATT&CK's own page of it; that of a sub-technique lies below its technique's. */
const technique = (id: string, name: string): Technique => ({ id, name, url: `https://attack.mitre.org/techniques/${id.replace('.', '/')}/` })

const TECHNIQUES: Readonly<Record<AttackClass, Technique>> = {
  LATERAL_MOVEMENT: technique('T1021', 'Remote Services'),
  PORT_SCAN: technique('T1046', 'Network Service Discovery'),
  SYN_FLOOD: technique('T1498', 'Network Denial of Service'),
  BRUTE_FORCE: technique('T1110', 'Brute Force'),
  DATA_EXFILTRATION: technique('T1048', 'Exfiltration Over Alternative Protocol'),
}

/** ATT&CK technique of a class; of one that the project does not ship (a user's own) what its model names, or null. */
export function techniqueOf (attackClass: string, own: OwnTechniques = {}): Technique | null {
  if (Object.hasOwn(TECHNIQUES, attackClass)) return TECHNIQUES[attackClass as AttackClass]
  const named = Object.hasOwn(own, attackClass) ? own[attackClass] : undefined
  return named === undefined ? null : technique(named.id, named.name)
}
