import { readFileSync } from 'node:fs'

const MS_PER_TICK = 10 // USER_HZ, which is 100 wherever Linux runs

/** Processor time that a process has taken so far, milliseconds. */
export function cpuMsOf (pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ') // proc(5): user and system time are fields 14 and 15
  const [user, system] = fields.split(' ').slice(11, 13).map(Number)
  return ((user ?? NaN) + (system ?? NaN)) * MS_PER_TICK
}
