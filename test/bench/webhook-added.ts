import type { Figure } from './figure.ts'

export async function addedLatency (): Promise<Figure[]> {
  return []
}
