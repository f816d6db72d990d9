// What people are told about what goes on.

import { element, say } from "./dom.js";

/** Milliseconds between two of the sentences that come again and again. */
const CALM = 5_000;

let mentioned = -CALM;

/** Says how it goes, or what went wrong. */
export function report(status, alert = "") {
  say("status", status);
  say("alert", alert);
  element("hint").hidden = status !== "" || alert !== "";
}

/** Says what a recording finds every second: only what is new, and no more than anybody can listen to. */
export function mention(status) {
  if (element("status").textContent === status || performance.now() - mentioned < CALM) return;
  mentioned = performance.now();
  report(status);
}
