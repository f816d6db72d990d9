// The picture that was taken, and what became of it.

import { element, say } from "./dom.js";
import { drawPicture, drawPortrait } from "./portrait.js";

export class Selfie {
  #screen = element("selfie");
  #canvas = element("selfie-canvas");
  #answered = false;

  #enter(state, title = "", text = "") {
    this.#screen.dataset.state = state;
    say("selfie-title", title);
    say("selfie-text", text);
  }

  /** The picture, while its answer is waited for. */
  async wait(picture) {
    this.#answered = false;
    await drawPicture(this.#canvas, picture);
    this.#enter("waiting", "Looking at your picture…");
  }

  async show(picture, answer) {
    this.#answered = true;
    await drawPortrait(this.#canvas, picture, answer);
    this.#enter("done");
  }

  fail(words) {
    this.#enter("failed", "No answer", words);
  }

  cancel() {
    this.#enter(this.#answered ? "done" : "empty", "No answer yet", "You cancelled it.");
  }

  clear() {
    this.#answered = false;
    this.#canvas.width = 0;
    this.#canvas.setAttribute("aria-label", "No picture yet");
    this.#enter("empty", "No picture yet", "Your picture appears here, with your face marked.");
  }
}
