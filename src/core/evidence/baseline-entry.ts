import { Type, type Static } from 'typebox'

const closed = { additionalProperties: false } as const
const end = (description: string) => Type.String({ minLength: 1, maxLength: 600, description })

export const MAX_TAUGHT = 200
export const MAX_TAUGHT_DAYS = 90

/** What somebody can be known for. A use has no amount. */
export const KNOWN_FOR = ['use', 'upload', 'sessions', 'breadth'] as const
const KnownFor = Type.Enum([...KNOWN_FOR], { description: 'use: that a port is used. upload: bytes sent in bulk. sessions: begun at a port that asks who one is. breadth: distinct ports that are used.' })
const Port = Type.Integer({ minimum: 0, maximum: 65_535, description: 'Responder port.' })
const amount = { minimum: 1, maximum: 1e15, description: 'How much is usual over the twenty windows of a step: bytes, sessions or ports.' }

/** What a person says that somebody is known for. */
export const BaselineSpec = Type.Object({
  source: Type.Optional(end('Who does it: NAMESPACE/KIND/NAME of a workload, or an address. Anybody if left out; then target is needed.')),
  target: Type.Optional(end('To whom, named likewise. Anybody if left out; then source is needed.')),
  knownFor: KnownFor,
  port: Type.Optional(Port),
  amount: Type.Optional(Type.Number(amount)),
  until: Type.String({ format: 'date-time', description: `When it ends by itself, at most ${MAX_TAUGHT_DAYS} days from now.` }),
  reason: Type.String({ minLength: 1, maxLength: 500, pattern: '\\S', description: 'Why; kept in the audit trail.' }),
}, { $id: 'BaselineSpec', ...closed, description: 'What a person says that somebody is known for, until when and why.' })
export type BaselineSpec = Static<typeof BaselineSpec>

/** One thing that somebody is known for, or is about to be. */
export const Baseline = Type.Object({
  id: Type.String(),
  source: Type.Union([Type.String(), Type.Null()], { description: 'Workload (NAMESPACE/KIND/NAME) or address; null for anybody.' }),
  target: Type.Union([Type.String(), Type.Null()], { description: 'Named likewise; null for anybody.' }),
  knownFor: KnownFor,
  port: Type.Union([Port, Type.Null()], { description: 'null where it is of no one port.' }),
  stepMs: Type.Union([Type.Integer(), Type.Null()], { description: 'Of the windows over twenty of which it is counted; null for any.' }),
  amount: Type.Union([Type.Number(), Type.Null()], { description: 'What is usual; null for a use, or where it is not known yet.' }),
  hours: Type.Integer({ minimum: 0, maximum: 4, description: 'Different clock hours without suspicion in which it was seen; it is known from four on.' }),
  known: Type.Boolean({ description: 'Whether it counts.' }),
  expires: Type.String({ format: 'date-time', description: 'When it is forgotten, if it is not seen any more; of what a person said, when it ends.' }),
  taught: Type.Union([
    Type.Object({ by: Type.String({ maxLength: 128 }), at: Type.String({ format: 'date-time' }), reason: Type.String({ maxLength: 500 }) }, closed),
    Type.Null(),
  ], { description: 'Who said so; null for what was learnt.' }),
}, { $id: 'Baseline', ...closed })
export type Baseline = Static<typeof Baseline>
