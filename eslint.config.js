import importX from 'eslint-plugin-import-x'
import neostandard from 'neostandard'
import tseslint from 'typescript-eslint'

/** Rooms and what each may import. Imports point inward: a room may import itself, the rooms named here, and packages. */
const rooms = {
  'src/core': [],
  'src/ports': ['src/core'],
  'src/wire': ['src/core', 'src/ports'],
  sidecar: ['src/core', 'src/ports', 'src/wire'],
  xds: ['src/core', 'src/ports', 'src/wire'],
  certs: ['src/core', 'src/ports', 'src/wire'],
  webhook: ['src/core', 'src/ports', 'src/wire'],
  'src/adapters': ['src/core', 'src/ports', 'src/wire'],
  'src/detector': ['src/core', 'src/ports', 'src/wire'],
  'src/controller': ['src/core', 'src/ports'],
  'src/console': ['src/core', 'src/ports'],
}

const zones = Object.entries(rooms).map(([room, may]) => ({
  target: `./${room}`,
  from: ['./src', './sidecar', './xds', './certs', './webhook', './models', './test', './scripts'],
  except: [],
  message: `${room} may import only ${['itself', ...may].join(', ')} (see CONTRIBUTING.md, "Rooms").`,
  may: [room, ...may],
}))

/** `import-x/no-restricted-paths` wants one zone per forbidden source; list every room that is not allowed. */
const everyRoom = [...Object.keys(rooms), 'src/cli', 'src/main.ts', 'models', 'test', 'scripts']
const restrictedPaths = zones.flatMap(({ target, may, message }) =>
  everyRoom.filter((room) => !may.includes(room)).map((room) => ({ target, from: `./${room}`, message })))

export default tseslint.config(
  { ignores: ['node_modules', 'dist', '.tap', '.autoshield', 'src/wire/gen', 'coverage', 'src/console/web/dist'] },
  ...neostandard({ ts: true, noJsx: true }),
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones: restrictedPaths }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // A TypeBox schema and its static type share one name; tsc refuses real redeclarations.
      '@typescript-eslint/no-redeclare': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // No doc says more than the type here; `async` is what the port asks for even where an implementation is synchronous.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/core/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ regex: '^(?!\\.{1,2}/|typebox($|/)|yaml$|@marcbachmann/cel-js($|/))', message: 'src/core is pure: it imports itself and the pure packages typebox, yaml and @marcbachmann/cel-js.' }] }],
      'no-restricted-globals': ['error', ...['process', 'setTimeout', 'setInterval', 'setImmediate', 'fetch', 'console'].map((name) => ({ name, message: 'src/core does no I/O and knows no clock or environment.' }))],
      'no-restricted-properties': ['error', { object: 'Date', property: 'now', message: 'src/core takes the time as an argument.' }, { object: 'Math', property: 'random', message: 'src/core takes its randomness as an argument.' }],
    },
  },
  {
    files: ['src/**/*.ts', 'sidecar/**/*.ts', 'xds/**/*.ts', 'certs/**/*.ts', 'webhook/**/*.ts'],
    ignores: ['src/main.ts'],
    rules: {
      'no-restricted-properties': ['error', ...['env', 'exit', 'argv'].map((property) => ({ object: 'process', property, message: 'Only src/main.ts reads the environment and exits.' }))],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off' }, // tap's t.test returns a promise that tap itself awaits
  },
  { files: ['**/*.js', '**/*.mjs', '**/*.tsx'], ...tseslint.configs.disableTypeChecked },
  { files: ['*.config.js', '**/vite.config.*', '*.config.ts'], rules: { 'no-restricted-exports': 'off' } }
)
