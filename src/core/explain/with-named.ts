import type { Piece } from '../evidence/combine.ts'
import type { Explanation } from '../verdict/detection.ts'

/** Pieces in a sentence; the list has all. */
const MAX_TOLD = 3

/**
 * An explanation with its named evidence, strongest first. Where the model does not speak for the class (`model` nats, not above 0), its features
 * explain nothing, and the sentence is what was named.
 */
export function withNamed (explanation: Explanation, model: number, named: readonly Piece[]): Explanation {
  const told = named.filter(({ nats }) => nats > 0).slice(0, MAX_TOLD).map(({ sentence }) => sentence)
  const sentence = model > 0 || told.length === 0 ? explanation.sentence : `${told.join('; ')}.`
  return { ...explanation, sentence, model, named: [...named] }
}
