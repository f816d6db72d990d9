// What is kept of somebody: shown, taken away, corrected.

import { ask } from "./dialogs.js";
import { element, say } from "./dom.js";
import { day, word } from "./language.js";
import { known } from "./memory.js";
import { report } from "./report.js";
import { everythingKept, sendOpinion, splitFrom } from "./service.js";
import { lookWords, problemWords } from "./words.js";

function made(name, text = "") {
  const node = document.createElement(name);
  node.textContent = text;
  return node;
}

/** A heading and its rows; none where there are none. `undo` of a row takes it back. */
function section(title, rows) {
  if (rows.length === 0) return [];
  const list = made("ul");
  list.append(...rows.map(({ text, note, undo = null }) => {
    const item = made("li");
    item.append(made("span", text), made("span", note));
    item.lastChild.className = "note";
    if (undo) {
      const button = made("button", word("video.undo"));
      button.type = "button";
      button.setAttribute("aria-label", `${word("video.undo")}: ${text}`);
      button.addEventListener("click", async () => {
        try {
          await undo();
          element("about-heading").focus();
          item.remove();
        } catch (error) {
          say("about-alert", problemWords(error));
        }
      });
      item.append(button);
    }
    return item;
  }));
  return [made("h3", title), list];
}

function show(kept) {
  const { since, faces, mood = null, consent = null, merged = [], watched = [], chosen = [], feedback = [] } = kept;
  const latest = list => [...list].reverse();
  const facts = [
    { text: word("about.since", { day: day(since) }), note: "" },
    { text: word("about.faces", { count: faces }), note: "" },
    ...mood ? [{ text: lookWords(mood.name), note: day(mood.at) }] : [],
    ...consent ? [{ text: word("about.consent"), note: day(consent.at) }] : [],
  ];
  element("about-text").replaceChildren(
    ...section(word("about.you"), facts),
    ...section(word("about.merged"), merged.map((other, index) =>
      ({ text: word("about.profile", { number: index + 1 }), note: "", undo: () => splitFrom(other) }))),
    ...section(word("about.feedback"), latest(feedback).map(({ video_id, title, kind, at }) =>
      ({ text: title, note: `${word(`about.${kind}`)}, ${day(at)}`, undo: () => sendOpinion(video_id, null) }))),
    ...section(word("about.watched"), latest(watched).map(({ title, rating, at }) =>
      ({ text: title, note: `${word(rating === 1 ? "about.enjoyed" : "about.seen")}, ${day(at)}` }))),
    ...section(word("about.chosen"), latest(chosen).map(({ title, at }) => ({ text: title, note: day(at) }))));
}

/** Shows everything that is kept. `forget` is called when somebody wants it gone. */
export async function tellEverything(forget) {
  let kept;
  try {
    kept = await everythingKept();
  } catch (error) {
    if (error.kind === "unknown-user") known.value = false;
    report("", error.kind === "unknown-user" ? word("about.nobody") : problemWords(error));
    return;
  }
  say("about-alert", "");
  show(kept);
  const answer = await ask("about", [["about-forget", () => true], ["about-close", () => true]]);
  if (answer === "about-forget") await forget();
}
