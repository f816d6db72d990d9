// What people are told about what goes on.

import { element, say } from "./dom.js";

/** Milliseconds between two of the sentences that come again and again. */
const CALM = 5_000;

let mentioned = -CALM;

/** Says how it goes, or what went wrong. `seen`: the page shows it already, and it is only said to those who do not see that. */
export function report(status, alert = "", { seen = false } = {}) {
  element("status").classList.toggle("unseen", seen);
  say("status", status);
  say("alert", alert);
  element("hint").hidden = status !== "" || alert !== "";
}

/** Says what a recording finds every second: only what is new, and no more than anybody can listen to. */
export function mention(status) {
  if (element("status").textContent === status || performance.now() - mentioned < CALM) return;
  mentioned = performance.now();
  report(status, "", { seen: true });
}
