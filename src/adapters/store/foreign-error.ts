import { AutoshieldError } from '../../core/errors.ts'

// Primary result codes, https://www.sqlite.org/rescode.html; the low byte of an extended code is its primary one.
const SQLITE = { PERM: 3, BUSY: 5, LOCKED: 6, READONLY: 8, IOERR: 10, CORRUPT: 11, FULL: 13, CANTOPEN: 14, NOTADB: 26 } as const

/** What SQLite and the file system throw, converted once. Total: what is not known becomes INTERNAL. `place` is the file or folder. */
export function foreign (error: unknown, place: string): AutoshieldError {
  if (error instanceof AutoshieldError) return error
  if (!(error instanceof Error)) return AutoshieldError.from(error)
  if ('errcode' in error && typeof error.errcode === 'number') return fromSqlite(error, error.errcode & 0xff, place)
  if ('code' in error && typeof error.code === 'string') return fromSystem(error, error.code, place)
  return AutoshieldError.from(error)
}

function fromSqlite (cause: Error, primary: number, place: string): AutoshieldError {
  switch (primary) {
    case SQLITE.FULL:
      return noRoom(cause, place)
    case SQLITE.IOERR: // a full disk under the -shm file shows as an I/O error, too
      return new AutoshieldError('UNAVAILABLE', `${place} could not be read or written (${cause.message}): look at the disk and the room on it; writing goes on by itself when it answers again.`, { cause })
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
      return new AutoshieldError('UNAVAILABLE', `${place} is held by another program: close whatever has it open for writing.`, { cause })
    case SQLITE.PERM:
    case SQLITE.READONLY:
    case SQLITE.CANTOPEN:
      return noAccess(cause, place)
    case SQLITE.CORRUPT:
    case SQLITE.NOTADB:
      return new AutoshieldError('BAD_DATA', `${place} is damaged (${cause.message}): move it away, or put a backup in its place.`, { cause })
    default:
      return AutoshieldError.from(cause)
  }
}

function fromSystem (cause: Error, code: string, place: string): AutoshieldError {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return noRoom(cause, place)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return noAccess(cause, place)
    case 'ENOTDIR':
    case 'EEXIST':
      return new AutoshieldError('USAGE', `${place} is not a folder: name a folder with --data.`, { cause })
    default:
      return AutoshieldError.from(cause)
  }
}

const noRoom = (cause: Error, place: string): AutoshieldError =>
  new AutoshieldError('UNAVAILABLE', `No room left to write ${place}: free some space; nothing of this write was kept, and writing goes on by itself when there is room.`, { cause })

const noAccess = (cause: Error, place: string): AutoshieldError =>
  new AutoshieldError('UNAVAILABLE', `${place} cannot be opened for writing (${cause.message}): give this user the right to, or name another folder with --data.`, { cause })
