// What the mood is used for: videos that match it, or that lift it.

import { element, say } from "./dom.js";
import { word } from "./language.js";
import { picksFor } from "./picks.js";
import { report } from "./report.js";
import { recommendations } from "./service.js";
import { problemWords } from "./words.js";

export class Mood {
  #list;
  /** `match` or `lift`. */
  #want = "match";
  #name = null;
  #person = false;

  constructor(list) {
    this.#list = list;
  }

  get want() {
    return this.#want;
  }

  /** Videos for a mood: the service's, or our own where it sent none. */
  show(name, videos, { person, calm = false }) {
    this.#name = name;
    this.#person = person;
    this.#list.show(videos ?? picksFor(this.#want === "lift" ? "happy" : name), { mood: name, person, calm, want: this.#want });
    // Whoever is happy already needs no cheering up.
    element("lift").hidden = name === "happy";
    say("lift", word(this.#want === "lift" ? "want.match" : "want.lift"));
  }

  /** The other use of the mood shown. */
  async turn() {
    const before = this.#want;
    this.#want = before === "lift" ? "match" : "lift";
    try {
      const videos = this.#person ? (await recommendations(this.#want)).recommendations : null;
      this.show(this.#name, videos, { person: this.#person });
      report(word(this.#want === "lift" ? "want.lifted" : "want.matched"));
    } catch (error) {
      this.#want = before;
      report("", `${word("list.failed")} ${problemWords(error)}`);
    }
  }
}
