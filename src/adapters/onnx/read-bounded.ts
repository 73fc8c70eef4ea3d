import { open } from 'node:fs/promises'
import { AutoshieldError } from '../../core/errors.ts'

/** Throws NOT_FOUND where there is no such file, BAD_DATA where it has more than `limit` bytes. */
export async function readBounded (path: string, limit: number): Promise<Buffer> {
  const file = await open(path).catch((cause: unknown) => {
    throw new AutoshieldError('NOT_FOUND', `${path} cannot be opened; point MODEL_PATH or --model at a folder with manifest.json and its .onnx file`, { cause })
  })
  try {
    const { size } = await file.stat()
    if (size > limit) throw new AutoshieldError('BAD_DATA', `${path} has ${size} bytes, at most ${limit} are read; it is no model of ours`)
    return await file.readFile()
  } finally {
    await file.close()
  }
}
