import type { AttackClass } from '../classes.ts'
import type { EvidenceKind } from './kind.ts'
import { ADMISSION } from './kinds/admission.ts'
import { BREADTH } from './kinds/breadth.ts'
import { FORGED_PACKETS } from './kinds/forged-packets.ts'
import { HALF_OPEN } from './kinds/half-open.ts'
import { HOP } from './kinds/hop.ts'
import { MANAGEMENT_PORT } from './kinds/management-port.ts'
import { NEW_USE } from './kinds/new-use.ts'
import { PUSH } from './kinds/push.ts'
import { REMOTE_PROCEDURE } from './kinds/remote-procedure.ts'
import { BARREN_SESSIONS, SHORT_SESSIONS } from './kinds/short-sessions.ts'
import { ECHO_TUNNEL, NAME_TUNNEL } from './kinds/tunnel.ts'
import { UPLOAD } from './kinds/upload.ts'

/** Every kind of named evidence; docs/EVIDENCE.md has the same table. */
export const EVIDENCE_KINDS: readonly EvidenceKind[] = [
  MANAGEMENT_PORT, NEW_USE, REMOTE_PROCEDURE, HOP, PUSH, BREADTH, HALF_OPEN, FORGED_PACKETS, SHORT_SESSIONS, BARREN_SESSIONS, UPLOAD, NAME_TUNNEL, ECHO_TUNNEL, ADMISSION,
]

/** What an attack of a class seldom lacks: where none of these kinds finds anything, that speaks against the class. */
export interface Mark {
  readonly kinds: readonly string[]
  /** Nats, below 0. */
  readonly missing: number
  readonly sentence: string
}

/** How named evidence weighs for one class. */
export interface ClassRule {
  readonly marks: readonly Mark[]
  /** How much the model's no counts, at most, in nats. */
  readonly doubt: number
  /** Sets of kinds, each with at least half its strength, of which one is needed to open a detection that the model does not speak for. */
  readonly opens: readonly (readonly string[])[]
}

export const CLASS_RULES: Readonly<Record<AttackClass, ClassRule>> = {
  LATERAL_MOVEMENT: {
    marks: [
      { kinds: ['management-port', 'remote-procedure', 'hop'], missing: -1.25, sentence: 'no port for remote work is used, and the source was not attacked' },
      { kinds: ['new-use', 'remote-procedure', 'hop', 'push', 'admission'], missing: -1.25, sentence: 'nothing but the port speaks for it' },
    ],
    doubt: 1,
    opens: [['remote-procedure', 'new-use'], ['management-port', 'new-use', 'hop'], ['management-port', 'hop', 'push']],
  },
  PORT_SCAN: {
    marks: [{ kinds: ['breadth'], missing: -2, sentence: 'few ports and hosts were tried, or many of them answered' }],
    doubt: 1.25,
    opens: [['breadth']],
  },
  SYN_FLOOD: {
    marks: [{ kinds: ['half-open'], missing: -1, sentence: 'the connections are used, or few' }],
    doubt: 1.25,
    opens: [['half-open']],
  },
  BRUTE_FORCE: {
    marks: [
      { kinds: ['short-sessions'], missing: -0.75, sentence: 'no short sessions repeat at one port' },
      { kinds: ['new-use', 'barren-sessions', 'hop', 'admission'], missing: -1, sentence: 'who does it is no stranger there, as far as is known' },
    ],
    doubt: 1,
    opens: [['barren-sessions']],
  },
  DATA_EXFILTRATION: {
    marks: [
      { kinds: ['upload', 'name-tunnel', 'echo-tunnel'], missing: -1, sentence: 'little is sent beside what comes back, and nothing looks like a tunnel' },
      { kinds: ['new-use', 'name-tunnel', 'echo-tunnel', 'hop', 'admission'], missing: -0.75, sentence: 'who does it is no stranger there, as far as is known' },
    ],
    doubt: 1,
    opens: [['name-tunnel'], ['upload', 'new-use', 'hop']],
  },
}

/** Null for a class that the project does not ship: the model alone speaks for it. */
export const ruleOf = (className: string): ClassRule & { readonly className: AttackClass } | null =>
  Object.hasOwn(CLASS_RULES, className) ? { className: className as AttackClass, ...CLASS_RULES[className as AttackClass] } : null
