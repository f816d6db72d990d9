// What somebody thinks of videos: liked, or not for them.

import { report } from "./report.js";
import { sendOpinion } from "./service.js";
import { problemWords } from "./words.js";

export class Opinions {
  #kinds = new Map();

  /** `like`, `not_for_me`, or null. */
  of(video) {
    return this.#kinds.get(video) ?? null;
  }

  /** Changes it at once, and back where the service does not take it; `changed` is called each time. */
  async set(video, kind, changed) {
    const before = this.of(video);
    this.#kinds.set(video, kind);
    changed();
    try {
      await sendOpinion(video, kind);
    } catch (error) {
      this.#kinds.set(video, before);
      changed();
      report("", problemWords(error));
    }
  }

  forget() {
    this.#kinds.clear();
  }
}
