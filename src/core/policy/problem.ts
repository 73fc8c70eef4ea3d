/** One fault of a policy file: where it is, what is wrong, and what to write instead. Lines and columns count from 1. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  /** Place in the document, e.g. `rules[2].actions[0].parameters.rate_limit`; empty for the file as a whole. */
  readonly path: string
  readonly message: string
  readonly mend: string
}

/** `file:line:column: path: message. mend`, the form that editors and terminals turn into a link. */
export function formatProblem (problem: Problem): string {
  const place = problem.path === '' ? '' : `${problem.path}: `
  return `${problem.file}:${problem.line}:${problem.column}: ${place}${problem.message}. ${problem.mend}.`
}
