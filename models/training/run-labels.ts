import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { CLASSES, type AttackClass } from '../../src/core/classes.ts'
import { AutoshieldError } from '../../src/core/errors.ts'

/** A leg's source that stands for all forged ones. */
export const ANY_FORGED = '*'

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

/** The labels of a laboratory run (test/lab/labels.ts), as far as training reads them. Those of older runs lack what is optional. */
const RunFile = Type.Object({
  run: Type.String(),
  scenario: Type.String(),
  startedMs: Type.Number(),
  holdout: Type.Boolean(),
  pods: Type.Array(Type.Object({ addresses: Type.Array(Type.String()) })),
  attacks: Type.Array(Type.Object({
    class: Type.Union(CLASSES.slice(1).map((name) => Type.Literal(name))),
    tool: Type.String(),
    service: Type.Optional(Type.String()),
    manner: Type.Optional(Type.String()),
    rate: Type.Optional(nullable(Type.Number())),
    firstPacketMs: nullable(Type.Number()),
    lastPacketMs: nullable(Type.Number()),
    residueUntilMs: nullable(Type.Number()),
    legs: Type.Array(Type.Object({ source: Type.String(), destination: Type.String(), ports: nullable(Type.Array(Type.Integer())), timeline: Type.Optional(Type.Array(Type.Tuple([Type.Integer(), Type.Integer()]))) })),
  })),
  benign: Type.Array(Type.Object({ service: Type.Optional(Type.String()), rate: Type.Optional(nullable(Type.Number())) })),
})

/**
 * One direction in which an attack opens flows. `source` may be ANY_FORGED, `destination` a range; `ports` null: any. `timeline`: its packets by
 * 0.5 s window, counted from the one that holds the run's start; without it, all packets of its pair and ports are taken for the attack's.
 */
export type Leg = Static<typeof RunFile>['attacks'][number]['legs'][number]

export interface Attack {
  readonly class: AttackClass
  readonly tool: string
  readonly service: string
  readonly manner: string
  /** What the tool was asked for, a second; null where nobody knows. */
  readonly rate: number | null
  readonly legs: readonly Leg[]
  readonly firstPacketMs: number
  readonly lastPacketMs: number
  /** Until when its flows had packets: answers that are repeated after the attack. */
  readonly residueUntilMs: number
}

export interface RunLabels {
  readonly run: string
  readonly scenario: string
  readonly startedMs: number
  /** Never trained on. */
  readonly holdout: boolean
  readonly pods: ReadonlySet<string>
  /** Attackers of whom nobody says what else they did: the rest of their traffic is no example of anything. */
  readonly suspects: ReadonlySet<string>
  readonly attacks: readonly Attack[]
  readonly benign: readonly { readonly service: string, readonly rate: number | null }[]
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
    startedMs: file.startedMs,
    holdout: file.holdout,
    pods: new Set(file.pods.flatMap((pod) => pod.addresses)),
    suspects: new Set(),
    attacks: file.attacks.flatMap(({ firstPacketMs, lastPacketMs, residueUntilMs, service = 'any', manner = 'plain', rate = null, ...attack }) => {
      if (firstPacketMs === null || lastPacketMs === null) return []
      return [{ ...attack, service, manner, rate, firstPacketMs, lastPacketMs, residueUntilMs: residueUntilMs ?? lastPacketMs }]
    }),
    benign: file.benign.map(({ service = 'any', rate = null }) => ({ service, rate })),
  }
}
