// Deleting a person, and taking a consent back.

import { ask, askConsent } from "./dialogs.js";
import { element, enable } from "./dom.js";
import { word } from "./language.js";
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
    onForgotten(() => this.#forget(word("farewell.elsewhere")));
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
      else if (withdrawn) report(word("farewell.kept"));
    });
  }

  /** `withdrawn`: the choice not to be recognised stays. */
  async #delete(withdrawn) {
    report(word("farewell.deleting"));
    enable("forget", false);
    try {
      await erase();
      if (!withdrawn) choice.value = null;
      known.value = false;
      this.#forget(word("farewell.deleted"));
    } catch (error) {
      const nobody = error.kind === "unknown-user";
      if (nobody) known.value = false;
      report("", nobody
        ? word("farewell.nobody")
        : word("farewell.not-yet", { reason: problemWords(error instanceof Problem ? error : new Problem("internal-error")) }));
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
