import type { Diary } from '../diary.ts'

/** Once nobody attacks and all runs, every restriction ends, and takes with it all that carried it. */
export function leftOver ({ rests }: Pick<Diary, 'rests'>): readonly string[] {
  return rests.flatMap(({ atMs, mitigations, unfinished, policies, marked, refused }) => [
    ...mitigations.filter(({ status }) => status.phase === 'active').map(({ metadata }) => `mitigation ${metadata.name} is still active`),
    ...unfinished.map((name) => `mitigation ${name} never got a status`),
    ...policies.map(({ key, mitigation }) => `NetworkPolicy ${key} of ${mitigation} is still there`),
    ...marked.map((pod) => `pod ${pod} still carries our label`),
    ...refused.map((pair) => `${pair} is still refused`),
  ].map((words) => `${words} at rest (${new Date(atMs).toISOString()})`))
}

/** An attack while all runs is answered, whatever was killed before. */
export const unanswered = ({ rests }: Pick<Diary, 'rests'>): readonly string[] =>
  rests.flatMap(({ atMs, unanswered }) => unanswered.map((source) => `the attack of ${source} was not answered before the rest at ${new Date(atMs).toISOString()}`))
