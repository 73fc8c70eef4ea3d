/** From what only tells to what restricts everywhere; each is safer than the next. */
export const STAGES = ['observe', 'shadow', 'canary', 'enforce'] as const
export type Stage = (typeof STAGES)[number]
