import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { CLASS_NAME } from '../../src/core/classes.ts'
import { AutoshieldError } from '../../src/core/errors.ts'

/** A leg's source that stands for all forged ones. */
export const ANY_FORGED = '*'

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

/**
 * The labels of a run (test/lab/labels.ts writes the laboratory's), as far as training reads them. Of one's own captures only what is not
 * optional has to be written; README.md has an example.
 */
const RunFile = Type.Object({
  run: Type.String(),
  scenario: Type.Optional(Type.String()),
  startedMs: Type.Optional(Type.Number()),
  holdout: Type.Optional(Type.Boolean()),
  pods: Type.Optional(Type.Array(Type.Object({ addresses: Type.Array(Type.String()) }))),
  attacks: Type.Array(Type.Object({
    class: Type.String({ pattern: CLASS_NAME }),
    enoughPackets: Type.Optional(Type.Integer({ minimum: 1 })),
    tool: Type.Optional(Type.String()),
    service: Type.Optional(Type.String()),
    manner: Type.Optional(Type.String()),
    rate: Type.Optional(nullable(Type.Number())),
    sentAs: Type.Optional(Type.String()),
    firstPacketMs: nullable(Type.Number()),
    lastPacketMs: nullable(Type.Number()),
    residueUntilMs: Type.Optional(nullable(Type.Number())),
    legs: Type.Array(Type.Object({ source: Type.String(), destination: Type.String(), ports: Type.Optional(nullable(Type.Array(Type.Integer()))), timeline: Type.Optional(Type.Array(Type.Tuple([Type.Integer(), Type.Integer()]))) })),
  })),
  benign: Type.Optional(Type.Array(Type.Object({ service: Type.Optional(Type.String()), rate: Type.Optional(nullable(Type.Number())) }))),
})

/**
 * One direction in which an attack opens flows. `source` may be ANY_FORGED, `destination` a range; `ports` null: any. `timeline`: its packets by
 * 0.5 s window, counted from the one that holds the run's start; without it, all packets of its pair and ports are taken for the attack's.
 */
export type Leg = Pick<Static<typeof RunFile>['attacks'][number]['legs'][number], 'source' | 'destination' | 'timeline'> & { readonly ports: readonly number[] | null }

export interface Attack {
  /** One that the project ships, or of the labels' author. */
  readonly class: string
  /** Packets of it that a tensor's span must hold to be an example of it; null: what is usual for the class. */
  readonly enoughPackets: number | null
  readonly tool: string
  readonly service: string
  readonly manner: string
  /** What the tool was asked for, a second; null where nobody knows. */
  readonly rate: number | null
  /** Connections, raw packets or no TCP (test/lab/attacks/sent-as.ts); null where nobody said. */
  readonly sentAs: string | null
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
  const file = readRunFile(text, path)
  return {
    run: file.run,
    scenario: file.scenario ?? file.run,
    startedMs: file.startedMs ?? 0,
    holdout: file.holdout ?? false,
    pods: new Set((file.pods ?? []).flatMap((pod) => pod.addresses)),
    suspects: new Set(),
    attacks: file.attacks.flatMap(attackOf),
    benign: (file.benign ?? []).map(({ service = 'any', rate = null }) => ({ service, rate })),
  }
}

/** Nothing for one that sent nothing. */
function attackOf ({ class: name, enoughPackets, tool = 'unknown', service = 'any', manner = 'plain', rate = null, sentAs, firstPacketMs, lastPacketMs, residueUntilMs, legs }: Static<typeof RunFile>['attacks'][number]): Attack[] {
  if (firstPacketMs === null || lastPacketMs === null) return []
  return [{
    class: name, enoughPackets: enoughPackets ?? null, tool, service, manner, rate, sentAs: sentAs ?? null, firstPacketMs, lastPacketMs, residueUntilMs: residueUntilMs ?? lastPacketMs, legs: legs.map(({ ports = null, ...leg }) => ({ ...leg, ports })),
  }]
}

const MEND = 'models/training/README.md shows what a file of labels holds; those of the laboratory are made again with npm run lab'

function readRunFile (text: string, path: string): Static<typeof RunFile> {
  let file: unknown
  try {
    file = JSON.parse(text)
  } catch (cause) {
    throw new AutoshieldError('BAD_DATA', `${path} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}; ${MEND}`, { cause })
  }
  if (!Value.Check(RunFile, file)) {
    const [first] = Value.Errors(RunFile, file)
    throw new AutoshieldError('BAD_DATA', `${path} is not the labels of a run: ${first?.instancePath ?? ''} ${first?.message ?? ''}; ${MEND}`)
  }
  const benign = file.attacks.findIndex(({ class: name }) => name === 'BENIGN')
  if (benign >= 0) throw new AutoshieldError('BAD_DATA', `${path}: /attacks/${benign}/class is BENIGN, which is no attack; leave it out of attacks: what no attack names is benign`)
  return file
}
