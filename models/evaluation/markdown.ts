/** A table, its first row the head. */
export const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

export const list = (lines: readonly string[]): string => lines.length === 0 ? 'None.' : lines.map((line) => `- ${line}`).join('\n')
