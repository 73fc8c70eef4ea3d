const MAX_LENGTH = 64

/** Edit distance with adjacent swaps (optimal string alignment), ignoring case; O(a x b), so callers pass short words. */
export function editDistance (left: string, right: string): number {
  const a = left.toLowerCase()
  const b = right.toLowerCase()
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current.push(Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (beforeLast[column - 2] ?? 0) + 1 : Infinity
      ))
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}

/** The known word that was probably meant: at most a third of its letters differ, or one contains the other. null where none is near. */
export function nearest (word: string, known: readonly string[]): string | null {
  if (word === '' || word.length > MAX_LENGTH) return null
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .sort((left, right) => left.distance - right.distance)
  const best = ranked[0]
  if (best !== undefined && best.distance <= Math.max(1, Math.floor(best.candidate.length / 3))) return best.candidate
  const lower = word.toLowerCase()
  return known.find((candidate) => word.length > 2 && (candidate.includes(lower) || lower.includes(candidate))) ?? null
}

/** The mend for a word that is none of the known ones. */
export function mendWord (word: string, known: readonly string[]): string {
  if (known.length === 0) return 'Remove it'
  const near = nearest(word, known)
  return near === null ? `Use one of: ${known.join(', ')}` : `Write ${JSON.stringify(near)}`
}
