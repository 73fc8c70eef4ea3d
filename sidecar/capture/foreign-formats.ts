/** Files that are given in the place of captures, by how they begin. */
const MAGICS: readonly { readonly bytes: readonly number[], readonly what: string }[] = [
  { bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a], what: 'is packed with xz (unpack it first)' },
  { bytes: [0x42, 0x5a, 0x68], what: 'is packed with bzip2 (unpack it first)' },
  { bytes: [0x50, 0x4b, 0x03, 0x04], what: 'is a zip archive (unpack it first)' },
  { bytes: [0x37, 0x7a, 0xbc, 0xaf], what: 'is a 7z archive (unpack it first)' },
  { bytes: [0x73, 0x6e, 0x6f, 0x6f, 0x70, 0, 0, 0], what: 'is a snoop capture (editcap -F pcapng turns it into pcapng)' },
  { bytes: [0x7f, 0x45, 0x4c, 0x46], what: 'is a program' },
]

/** Says what a file is that is no capture, as the predicate of a sentence. */
export function describeForeign (beginning: Uint8Array): string {
  const magic = MAGICS.find(({ bytes }) => bytes.every((byte, at) => beginning[at] === byte))
  if (magic !== undefined) return magic.what
  const text = printableStart(beginning)
  if (text === null) return 'does not begin like any capture'
  const line = text.split('\n', 1)[0] ?? ''
  if (/^#(separator|fields|path|set_separator)\b/.test(line)) return 'is a Zeek log, which has no packets'
  if (/^\s*[{[]/.test(line)) return /"(id\.orig_h|uid|ts)"/.test(line) ? 'is a Zeek log in JSON, which has no packets' : 'is JSON'
  if (line.split(',').length > 2) return 'is a table of comma-separated values, which has no packets'
  if (line.split('\t').length > 2) return 'is a table of tab-separated values, which has no packets'
  return 'is a text'
}

/** The first bytes as text, or null where they are none. */
function printableStart (beginning: Uint8Array): string | null {
  const head = beginning.subarray(0, 512)
  const odd = head.some((byte) => byte < 32 && byte !== 9 && byte !== 10 && byte !== 13)
  return odd ? null : new TextDecoder().decode(head)
}
