import type { PlanEffect } from '../../../core/plan/effect.ts'

export type PlanOption = PlanEffect['options'][number]
export type SeenFlow = PlanOption['untouched']['listed'][number]

/** What becomes of flows that were seen: part of the attack and cut, legitimate and cut, or let be. */
export type Fate = 'attack' | 'cost' | 'goes-on'

export interface FateOfFlows {
  readonly fate: Fate
  readonly flows: number
  readonly connections: number
  /** The first of them, most connections first. */
  readonly listed: readonly SeenFlow[]
}

const connectionsOf = (flows: readonly SeenFlow[]): number => flows.reduce((sum, { connections }) => sum + connections, 0)
const busiestFirst = (flows: readonly SeenFlow[]): readonly SeenFlow[] => flows.toSorted((a, b) => b.connections - a.connections)

/** What an option does to the flows of the last hour, the attack first. */
export function fatesOf ({ flows, untouched }: PlanOption): readonly FateOfFlows[] {
  const cut = (fate: Fate, claimed: boolean): FateOfFlows => {
    const those = flows.filter((flow) => flow.claimed === claimed)
    return { fate, flows: those.length, connections: connectionsOf(those), listed: busiestFirst(those) }
  }
  return [cut('attack', true), cut('cost', false), { fate: 'goes-on', ...untouched }]
}

const PLACES = { egress: 'at the suspect, on its way out', ingress: 'at the victims, on its way in', isolation: 'around the suspect, both ways', 'egress-deny': 'at the suspect, on its way out', 'ingress-deny': 'at the victims, on its way in' } as const

/** What an option is stored as. */
export const kindOf = ({ policies }: Pick<PlanOption, 'policies'>): 'NetworkPolicy' | 'CiliumNetworkPolicy' => policies.some((place) => place.endsWith('-deny')) ? 'CiliumNetworkPolicy' : 'NetworkPolicy'

/** Where an option's policies stand: `at the suspect, on its way out`. */
export const placesWords = ({ policies }: Pick<PlanOption, 'policies'>): string => policies.map((place) => PLACES[place]).join('; and ')

/** The option to look at first: the one that carries it, else the first that would do, else the last that was tried. */
export function leadingOption ({ options }: PlanEffect): number {
  const taken = options.findIndex(({ state }) => state === 'taken')
  const fit = options.findIndex(({ state }) => state === 'not-needed')
  return taken >= 0 ? taken : fit >= 0 ? fit : options.length - 1
}
