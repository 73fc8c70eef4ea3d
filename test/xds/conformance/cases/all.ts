import type { Case } from '../case.ts'
import { ANSWERS } from './answers.ts'
import { CHANGES } from './changes.ts'
import { STREAMS } from './streams.ts'
import { SUBSCRIPTIONS } from './subscriptions.ts'

export const CASES: readonly Case[] = [...ANSWERS, ...SUBSCRIPTIONS, ...CHANGES, ...STREAMS]
