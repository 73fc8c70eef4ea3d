import type { Diary } from '../diary.ts'
import { endOf, livesOf, type Life } from './lives.ts'
import { leadersTrail } from './trail.ts'

type Seen = Pick<Diary, 'trails' | 'writes'>

const ENDS = ['mitigation.expired', 'mitigation.reverted', 'mitigation.ended', 'mitigation.abandoned']
const counted = (names: readonly string[]): [string, number][] => [...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length])
const nameOf = (object: string): string => object.replace(/^mitigation\//, '')

/** No decision twice, no mitigation begun or ended twice, and never two at a time for one case. */
export function repeated (diary: Seen): readonly string[] {
  const trail = leadersTrail(diary)
  const twice = (names: readonly string[], words: string): string[] => counted(names).flatMap(([name, count]) => count > 1 ? [`${name} ${words} ${count} times`] : [])
  const overlapping = [...Map.groupBy(livesOf(diary), ({ of }) => of)].flatMap(([of, lives]) => {
    const inOrder = lives.toSorted((one, other) => one.createdMs - other.createdMs)
    return inOrder.slice(1).flatMap((life, at) => {
      const before = inOrder[at]
      return before !== undefined && life.createdMs < endOf(before) ? [`${before.name} and ${life.name} are in force at one time, both for ${of}`] : []
    })
  })
  return [
    ...twice(trail.filter(({ action }) => action.startsWith('decision.')).map(({ detail }) => `decision ${String(detail['decision'])}`), 'is in the trail'),
    ...twice(trail.filter(({ action }) => action === 'mitigation.applied').map(({ object }) => object), 'began'),
    ...twice(trail.filter(({ action }) => ENDS.includes(action)).map(({ object }) => object), 'ended'),
    ...overlapping,
  ]
}

/** Every mitigation has its decision, its beginning and, unless it runs, its end in the trail, and what the trail tells of was there. */
export function untold (diary: Seen): readonly string[] {
  const trail = leadersTrail(diary)
  const of = (...actions: readonly string[]): ReadonlySet<string> => new Set(trail.filter(({ action }) => actions.includes(action)).map(({ object }) => nameOf(object)))
  const [begun, ended, abandoned] = [of('mitigation.applied'), of(...ENDS), of('mitigation.abandoned')]
  // What a leader stored and died before it could keep why, the next one takes over and says that nobody knows.
  const takenOver = new Set(trail.filter(({ action, reason }) => action === 'mitigation.applied' && reason === 'TakenOver').map(({ object }) => nameOf(object)))
  const decided = new Set(trail.filter(({ action }) => action.startsWith('decision.')).flatMap(({ detail }) => typeof detail['mitigation'] === 'string' ? [detail['mitigation']] : []))
  const lives = livesOf(diary)
  const stored = new Set(lives.map(({ name }) => name))
  const ofLives = lives.flatMap(({ name, last: { status: { phase } } }) => [
    ...decided.has(name) || takenOver.has(name) ? [] : [`${name} was stored and no decision in the trail names it`],
    ...begun.has(name) || abandoned.has(name) ? [] : [`${name} was stored and the trail does not say that it began`],
    ...phase === 'active' || ended.has(name) ? [] : [`${name} ended (${phase}) and the trail does not say so`],
    ...phase === 'active' && ended.has(name) ? [`${name} ended by the trail and is active`] : [],
  ])
  const lost = [...new Set([...decided, ...begun])].filter((name) => !stored.has(name)).map((name) => `${name} is in the trail and was never stored`)
  return [...ofLives, ...lost]
}

const MINUTE_MS = 60_000

/** In no minute more mitigations than the budgets allow: in all, of one rule, of one source, for one target. */
export function overBudget ({ budgets, ...diary }: Seen & Pick<Diary, 'budgets'>): readonly string[] {
  const lives = livesOf(diary).toSorted((one, other) => one.createdMs - other.createdMs)
  const over = (most: number, whose: string, own: readonly Life[]): string[] => {
    const first = own.find((life, at) => (own[at - most]?.createdMs ?? -Infinity) > life.createdMs - MINUTE_MS)
    return first === undefined ? [] : [`${first.name} is more than ${most} in a minute ${whose}`]
  }
  const by = (of: 'rule' | 'source' | 'target'): string[] => [...Map.groupBy(lives, (life) => life[of])].flatMap(([name, own]) => name === '*' ? [] : over(budgets[of], `of ${of} ${name}`, own))
  return [...over(budgets.actionsPerMinute, 'in all', lives), ...by('rule'), ...by('source'), ...by('target')]
}
