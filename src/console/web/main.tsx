import { render } from 'preact'
import { App } from './view/app.tsx'
import './style/base.css'
import './style/wall.css'
import './style/detail.css'
import './style/pages.css'

const root = document.getElementById('app')
if (root !== null) render(<App />, root)
