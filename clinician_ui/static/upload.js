// Sends one file to the server in pieces; each is read from disk as it is sent, so that the browser holds one piece.

const PATIENCE = 5;

async function send(file, data, onProgress, isStopped) {
  let offset = 0;
  let failures = 0;
  while (offset < file.size && !isStopped()) {
    const piece = file.slice(offset, offset + data.piece_bytes);
    try {
      const address = new URL(`${data.address}?offset=${offset}`, document.baseURI);
      const answer = await fetch(address, { method: "PUT", body: piece });
      if (!answer.ok) throw Object.assign(new Error(await answer.text()), { isFinal: answer.status < 500 });
      offset = (await answer.json()).size;
      failures = 0;
      onProgress(offset / file.size);
    } catch (error) {
      failures += 1;
      if (error.isFinal || failures > PATIENCE) throw error;
      await new Promise((resolve) => setTimeout(resolve, 400 * failures));
    }
  }
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".upload");
  if (root.dataset.address === data.address) return;
  root.dataset.address = data.address;
  let isStopped = false;

  const label = document.createElement("label");
  label.className = "choose";
  const input = document.createElement("input");
  input.type = "file";
  input.accept = ".zip,application/zip";
  input.setAttribute("aria-label", "Zip archive of DICOM files");
  label.append("Zip archive of DICOM files", input);
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.hidden = true;
  bar.setAttribute("aria-label", "Upload");
  const words = document.createElement("span");
  words.setAttribute("role", "status");
  root.replaceChildren(label, bar, words);

  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (!file) return;
    input.disabled = true;
    bar.hidden = false;
    if (file.size > data.most_bytes) {
      words.textContent = "The file is too large; point at its folder instead.";
      input.disabled = false;
      return;
    }
    try {
      await send(file, data, (share) => {
        bar.value = share;
        words.textContent = `${Math.round(100 * share)} % of ${(file.size / 2 ** 20).toFixed(0)} MiB`;
      }, () => isStopped);
      if (!isStopped) setTriggerValue("uploaded", { size: file.size });
    } catch (error) {
      words.textContent = error.isFinal ? error.message : "The connection was lost; choose the file again.";
      input.disabled = false;
    }
  });
  return () => {
    isStopped = true;
    delete root.dataset.address;
  };
}
