import type { Exception, ExceptionSpec, ExceptionStatus } from '../core/exception/exception.ts'

/** Exceptions: what is let be for a while. In a cluster they are objects, which kubectl writes as well. */
export interface Exceptions {
  /** By name. */
  list: () => readonly Exception[]
  /** Throws CONFLICT where there is one of that name, or no room for another. */
  add: (name: string, spec: ExceptionSpec, at: string) => Promise<Exception>
  /** False where there was none. */
  remove: (name: string) => Promise<boolean>
  /** Writes the status and leaves alone what is asked for. Throws NOT_FOUND where the exception is gone. */
  tell: (name: string, status: ExceptionStatus) => Promise<void>
  /** Told of each that came, changed or went, after the list shows it. */
  onChange: (listener: () => void) => Disposable
}

/** What people may ask of exceptions. */
export interface ExceptionBook {
  list: () => readonly Exception[]
  /** Holds at once, and ends the mitigations that it covers. Throws BAD_DATA with every problem of the spec, CONFLICT where the name is taken. */
  add: (name: string, spec: unknown, actor: string) => Promise<Exception>
  /** Gives it as it was. Throws NOT_FOUND. */
  remove: (name: string, actor: string, reason: string) => Promise<Exception>
}
