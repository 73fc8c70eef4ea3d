import { Exception } from '../../core/exception/exception.ts'
import { Mitigation } from '../../core/mitigation/mitigation.ts'
import { Mark } from '../../core/feedback/mark.ts'
import { Errand, isWaiting } from '../../core/errand/errand.ts'
import { MeshPolicy } from '../../core/rollout/mesh-policy.ts'
import { Decision } from '../../core/policy/decision.ts'
import { Detection } from '../../core/verdict/detection.ts'
import type { Exceptions } from '../../ports/exceptions.ts'
import type { EditableMeshPolicies } from '../../ports/mesh-policies.ts'
import type { Checkpoints, Collection, ObjectStore } from '../../ports/object-store.ts'
import { SqliteCheckpoints } from './checkpoints.ts'
import { SqliteCollection } from './collection.ts'
import { openReadOnly, OwnedDatabase } from './database.ts'
import { StoredExceptions } from './exceptions.ts'
import { GroupCommit } from './group-commit.ts'
import type { ChangeLog } from './change-log.ts'
import { StoredMeshPolicies } from './mesh-policies.ts'

/** How many ended objects are kept of each kind; what is still in force is never pruned. */
export interface Retention {
  readonly detections: number
  readonly decisions: number
  readonly mitigations: number
  readonly errands: number
  readonly marks: number
}
const RETENTION: Retention = { detections: 20_000, decisions: 50_000, mitigations: 20_000, errands: 20_000, marks: 5_000 }

/** Errands and marks are kept here also where mitigations are objects of a cluster. */
export interface KeptObjects extends ObjectStore {
  readonly errands: Collection<Errand>
  readonly marks: Collection<Mark>
}

export const STORE_DATABASE = 'store'

const MIGRATIONS = [`
  CREATE TABLE object (
    place INTEGER PRIMARY KEY AUTOINCREMENT, -- order of first writing: an update does not move an object
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    live INTEGER NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (collection, id)
  ) STRICT;
  CREATE INDEX object_order ON object (collection, place);
  CREATE INDEX object_ended ON object (collection, place) WHERE live = 0;
  CREATE TABLE checkpoint (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT`]

/** The loop's objects in `DIR/store.db`, shared with who follows `log`. Throws as `OwnedDatabase.open` does. */
export function openStore (dir: string, retention: Partial<Retention> = {}, log: ChangeLog | null | undefined = null): KeptObjects & { readonly checkpoints: Checkpoints, readonly meshPolicies: EditableMeshPolicies, readonly exceptions: Exceptions } & AsyncDisposable {
  const owned = OwnedDatabase.open({ dir, name: STORE_DATABASE, applicationId: 0x41534d31, migrations: MIGRATIONS })
  const commits = new GroupCommit(owned.sqlite, owned.path, { share: log?.attach(owned) })
  return {
    ...collections(owned, commits, { ...RETENTION, ...retention }),
    checkpoints: new SqliteCheckpoints(owned, commits),
    meshPolicies: new StoredMeshPolicies(new SqliteCollection(owned, commits, { name: 'meshpolicies', schema: MeshPolicy, limit: 0, live: () => true })),
    exceptions: new StoredExceptions(new SqliteCollection(owned, commits, { name: 'exceptions', schema: Exception, limit: 0, live: () => true })),
    async [Symbol.asyncDispose] () {
      commits[Symbol.dispose]()
      owned[Symbol.dispose]()
    },
  }
}

/** What is in `DIR/store.db` now, also while a controller owns it; a write rejects. Throws NOT_FOUND where there is none. */
export function readStore (dir: string): KeptObjects & Disposable {
  const { sqlite, path } = openReadOnly(dir, STORE_DATABASE)
  return { ...collections({ sqlite, path }, new GroupCommit(sqlite, path), RETENTION), [Symbol.dispose]: () => sqlite.close() }
}

function collections (owned: Pick<OwnedDatabase, 'sqlite' | 'path'>, commits: GroupCommit, limits: Retention): KeptObjects {
  return {
    detections: new SqliteCollection(owned, commits, { name: 'detections', schema: Detection, limit: limits.detections, live: ({ phase }) => phase !== 'closed' }),
    decisions: new SqliteCollection(owned, commits, { name: 'decisions', schema: Decision, limit: limits.decisions, live: () => false }),
    mitigations: new SqliteCollection(owned, commits, { name: 'mitigations', schema: Mitigation, limit: limits.mitigations, live: ({ status }) => status.phase === 'active' }),
    errands: new SqliteCollection(owned, commits, { name: 'errands', schema: Errand, limit: limits.errands, live: isWaiting }),
    marks: new SqliteCollection(owned, commits, { name: 'marks', schema: Mark, limit: limits.marks, live: () => false }),
  }
}
