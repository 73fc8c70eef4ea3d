// `npm run page`: builds the dashboard's page where its sources changed; no controller runs without it.
import { buildPage, install } from './prepare.mjs'

await install()
await buildPage()
