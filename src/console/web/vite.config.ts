import preact from '@preact/preset-vite'
import { defineConfig } from 'vite'

/** `npx vite build src/console/web` writes `dist/`: one page, one script, one style sheet, no inline code, nothing from elsewhere. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [preact({ devToolsEnabled: false, prefreshEnabled: false })],
  build: { target: 'es2023', modulePreload: false, assetsInlineLimit: 0, reportCompressedSize: false },
})
