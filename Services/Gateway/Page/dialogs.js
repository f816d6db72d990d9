// Questions that are answered before anything else.

import { element, enable, say } from "./dom.js";
import { word } from "./language.js";
import { choice } from "./memory.js";

/** Opens a dialog and returns the id of the button that closed it, or null. */
export function ask(id, buttons) {
  const dialog = element(id);
  const opener = document.activeElement;
  return new Promise(resolve => {
    const ending = new AbortController();
    const finish = answer => {
      ending.abort();
      dialog.close();
      opener?.focus();
      resolve(answer);
    };
    for (const [button, allowed] of buttons) {
      element(button).addEventListener("click", () => { if (allowed()) finish(button); }, { signal: ending.signal });
    }
    dialog.addEventListener("cancel", event => { event.preventDefault(); finish(null); }, { signal: ending.signal });
    dialog.showModal();
    dialog.querySelector("h2").focus();
  });
}

/** What may be done with pictures; true once that is chosen. `first`: before a picture, not by the privacy button. */
export async function askConsent({ first }) {
  // A picture may be pasted or dropped while the question stands.
  if (element("consent").open) return false;
  say("consent-heading", word(first ? "consent.first" : "consent.heading"));
  element("agree").checked = choice.value === "recognise";
  enable("consent-yes", element("agree").checked);
  say("consent-alert", "");
  const agreed = () => {
    if (element("agree").checked) return true;
    say("consent-alert", word("consent.tick"));
    element("agree").focus();
    return false;
  };
  const answer = await ask("consent", [["consent-yes", agreed], ["consent-mood", () => true], ["consent-no", () => true]]);
  if (answer === "consent-yes") choice.value = "recognise";
  if (answer === "consent-mood") choice.value = "mood";
  return answer === "consent-yes" || answer === "consent-mood";
}

/** Whether a picture may be sent: asked once, before the first. */
export async function mayLook() {
  return choice.value !== null || await askConsent({ first: true });
}

element("agree").addEventListener("change", () => {
  enable("consent-yes", element("agree").checked);
  say("consent-alert", "");
});
