import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { CLASSES, type AttackClass } from '../../src/core/classes.ts'
import { AutoshieldError } from '../../src/core/errors.ts'

/** A leg's source that stands for all forged ones. */
export const ANY_FORGED = '*'

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

/** The labels of a laboratory run (test/lab/labels.ts), as far as training reads them. */
const RunFile = Type.Object({
  run: Type.String(),
  scenario: Type.String(),
  holdout: Type.Boolean(),
  pods: Type.Array(Type.Object({ addresses: Type.Array(Type.String()) })),
  attacks: Type.Array(Type.Object({
    class: Type.Union(CLASSES.slice(1).map((name) => Type.Literal(name))),
    tool: Type.String(),
    firstPacketMs: nullable(Type.Number()),
    lastPacketMs: nullable(Type.Number()),
    residueUntilMs: nullable(Type.Number()),
    legs: Type.Array(Type.Object({ source: Type.String(), destination: Type.String(), ports: nullable(Type.Array(Type.Integer())) })),
  })),
})

/** One direction in which an attack opens flows. `source` may be ANY_FORGED, `destination` a range; `ports` null: any. */
export type Leg = Static<typeof RunFile>['attacks'][number]['legs'][number]

export interface Attack {
  readonly class: AttackClass
  readonly tool: string
  readonly legs: readonly Leg[]
  readonly firstPacketMs: number
  readonly lastPacketMs: number
  /** Until when its flows had packets: answers that are repeated after the attack. */
  readonly residueUntilMs: number
}

export interface RunLabels {
  readonly run: string
  readonly scenario: string
  /** Never trained on. */
  readonly holdout: boolean
  readonly pods: ReadonlySet<string>
  /** Attackers of whom nobody says what else they did: the rest of their traffic is no example of anything. */
  readonly suspects: ReadonlySet<string>
  readonly attacks: readonly Attack[]
}

/** Parses RUN.labels.json. Throws BAD_DATA; `path` is for the message. */
export function parseRunLabels (text: string, path: string): RunLabels {
  const file: unknown = JSON.parse(text)
  if (!Value.Check(RunFile, file)) {
    const [first] = Value.Errors(RunFile, file)
    throw new AutoshieldError('BAD_DATA', `${path} is not the labels of a run: ${first?.instancePath ?? ''} ${first?.message ?? ''}; make the run again with npm run lab`)
  }
  return {
    run: file.run,
    scenario: file.scenario,
    holdout: file.holdout,
    pods: new Set(file.pods.flatMap((pod) => pod.addresses)),
    suspects: new Set(),
    attacks: file.attacks.flatMap(({ firstPacketMs, lastPacketMs, residueUntilMs, ...attack }) => {
      if (firstPacketMs === null || lastPacketMs === null) return []
      return [{ ...attack, class: attack.class, firstPacketMs, lastPacketMs, residueUntilMs: residueUntilMs ?? lastPacketMs }]
    }),
  }
}
