import { Copy } from './copy.tsx'

/** A document to read and to copy, closed until asked for. */
export function Yaml ({ title, text, open = false }: { title: string, text: string, open?: boolean }) {
  return (
    <details class="yaml" open={open}>
      <summary>{title}</summary>
      <Copy text={text}>Copy</Copy>
      <pre tabIndex={0}>{text}</pre>
    </details>
  )
}
