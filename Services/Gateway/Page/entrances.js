// The ways a picture comes in from elsewhere: a file chosen, pasted or dropped.

import { element } from "./dom.js";

/** `submit(file)` is called with whatever comes. */
export function openEntrances(submit) {
  element("file").addEventListener("change", () => {
    const [file] = element("file").files;
    // Emptied, so that choosing the same file again is a change too.
    if (file) submit(file).finally(() => { element("file").value = ""; });
  });

  addEventListener("paste", event => {
    const file = [...event.clipboardData?.files ?? []].find(file => file.type.startsWith("image/"));
    if (file) submit(file);
  });

  const carriesFiles = event => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", event => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    element("drop").hidden = false;
  });
  addEventListener("dragleave", event => { if (!event.relatedTarget) element("drop").hidden = true; });
  addEventListener("drop", event => {
    element("drop").hidden = true;
    if (!carriesFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files[0]) submit(event.dataTransfer.files[0]);
  });
}
