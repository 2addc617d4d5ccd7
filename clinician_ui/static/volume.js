// Voxels and maps from the server, fetched once and kept while the page lives.

const HEADER_BYTES = 352;
const MOST_KEPT = 2;
const kept = new Map();
const views = new WeakMap();

async function read(address, onProgress) {
  const answer = await fetch(new URL(address, document.baseURI));
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const total = Number(answer.headers.get("content-length"));
  const bytes = new Uint8Array(total);
  const stream = answer.body.getReader();
  let done = 0;
  for (let part = await stream.read(); !part.done; part = await stream.read()) {
    bytes.set(part.value, done);
    done += part.value.length;
    onProgress?.(done / total);
  }
  if (done !== total) throw new Error("the CT came only in part");
  return bytes.buffer;
}

// A NIfTI file of int16 HU in the order z, y, x: the one thing that every renderer is given.
export function niftiOf(address, onProgress) {
  if (!kept.has(address)) {
    const bytes = read(address, onProgress);
    bytes.catch(() => kept.delete(address));
    kept.set(address, bytes);
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  }
  return kept.get(address);
}

export function voxelsOf(nifti) {
  if (!views.has(nifti)) views.set(nifti, new Int16Array(nifti, HEADER_BYTES));
  return views.get(nifti);
}

// An attribution map: int8, 127 for the limit of the color scale.
export async function mapOf(map) {
  return { ...map, values: new Int8Array(await read(map.url)) };
}
