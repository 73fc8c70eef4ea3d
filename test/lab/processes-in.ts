import { readdirSync, readFileSync, statSync } from 'node:fs'
import type { Pod } from './pod.ts'

/** Processes of this name whose network is the pod's. */
export const processesIn = (pod: Pod, name: string): number[] => readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).map(Number).filter((pid) => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name && statSync(`/proc/${pid}/ns/net`).ino === statSync(`/proc/${pod.pid}/ns/net`).ino
  } catch {
    return false // it has ended meanwhile
  }
})
