// Deleting a person, and taking a consent back.

import { ask, askConsent } from "./dialogs.js";
import { element, enable } from "./dom.js";
import { choice, known, onForgotten } from "./memory.js";
import { report } from "./report.js";
import { erase, Problem } from "./service.js";
import { problemWords } from "./words.js";

export class Farewell {
  #looking;
  #list;
  #camera;

  constructor({ looking, list, camera }) {
    this.#looking = looking;
    this.#list = list;
    this.#camera = camera;
    // Nothing of a deleted person stays in another tab.
    onForgotten(() => this.#forget("You were deleted in another tab: nothing about you is kept any more."));
  }

  /** Asks again what may be done. Whoever does not want to be recognised any more is asked what is to become of what was kept. */
  async reconsider() {
    if (!await askConsent({ first: false }) || choice.value !== "mood") return;
    this.#list.restoreDefaults();
    if (known.value) await this.begin({ withdrawn: true });
  }

  /** Whatever is under way ends, so that nothing is sent after the question. */
  async begin({ withdrawn = false } = {}) {
    this.#looking.interrupt();
    await this.#looking.exclusively(async () => {
      element("farewell-withdrawn").hidden = !withdrawn;
      const answer = await ask("farewell", [["farewell-yes", () => true], ["farewell-no", () => true]]);
      if (answer === "farewell-yes") await this.#delete(withdrawn);
      else if (withdrawn) report("From now on only your mood is read. What was kept before stays until you press Delete me.");
    });
  }

  /** `withdrawn`: the choice not to be recognised stays. */
  async #delete(withdrawn) {
    report("Deleting everything about you…");
    enable("forget", false);
    try {
      await erase();
      if (!withdrawn) choice.value = null;
      known.value = false;
      this.#forget("You are deleted: nothing about you is kept any more.");
    } catch (error) {
      const nobody = error.kind === "unknown-user";
      if (nobody) known.value = false;
      report("", nobody
        ? "This browser holds nobody to delete. If you were here before, take a snapshot first, so that we know whom to delete."
        : `You are not deleted yet. ${problemWords(error instanceof Problem ? error : new Problem("internal-error"))}`);
    } finally {
      enable("forget", true);
    }
  }

  #forget(words) {
    this.#looking.interrupt();
    this.#camera.close();
    this.#looking.forget();
    this.#looking.refreshKeys();
    this.#list.restoreDefaults();
    report(words);
  }
}
