/** Why an operation could not be done. The code decides the exit status of the CLI and the HTTP status of the API. */
export const ERROR_CODES = {
  USAGE: { exit: 64, http: 400, text: 'The call itself is wrong: a flag, an argument or a setting.' },
  BAD_DATA: { exit: 65, http: 422, text: 'An input could be read but not understood: a capture, a policy file, a model, a body.' },
  NOT_FOUND: { exit: 65, http: 404, text: 'What was named does not exist: a file, a detection, a mitigation.' },
  CONFLICT: { exit: 1, http: 409, text: 'The object is not in a state that allows this.' },
  UNAVAILABLE: { exit: 1, http: 503, text: 'A part that is needed does not answer: a port in use, a process that is away, a full disk.' },
  UNTRUSTED: { exit: 65, http: 403, text: 'The caller or the file could not prove what it claims to be.' },
  INTERNAL: { exit: 1, http: 500, text: 'A defect of AutoShield itself.' },
} as const
export type ErrorCode = keyof typeof ERROR_CODES

/**
 * The one error class. `message` names the input, the place and the mend, in one sentence that stands alone;
 * `cause` keeps the foreign error. What is expected (no match, over budget) is a returned value, never this.
 */
export class AutoshieldError extends Error {
  override readonly name = 'AutoshieldError'
  readonly code: ErrorCode

  constructor (code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }

  /** Total: whatever was thrown becomes an AutoshieldError, unknown things as INTERNAL. */
  static from (thrown: unknown): AutoshieldError {
    if (thrown instanceof AutoshieldError) return thrown
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return new AutoshieldError('INTERNAL', message, { cause: thrown })
  }
}
