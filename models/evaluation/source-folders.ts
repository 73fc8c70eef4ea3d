/** Folders of the same runs, as each source of windows told them; `npm run lab -- sources` makes them. The first is what the others are held against. */
export const SOURCE_FOLDERS = ['packet', 'access-log', 'sockdiag'] as const
export type SourceName = (typeof SOURCE_FOLDERS)[number]
