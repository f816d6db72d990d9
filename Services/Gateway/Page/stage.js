// The stage: the webcam, which becomes the selfie in place. What is not in front stands small in a corner.

import { element, say } from "./dom.js";
import { word } from "./language.js";
import { beside, drawPicture, markFace, onScreen } from "./portrait.js";
import { cameraWords, moodWord, tagWords } from "./words.js";

/** A share of the stage's width and height, and of the way to its edge, as in the stylesheet. */
const CORNER = 0.26;

const covered = (one, other) =>
  Math.max(0, Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x))
  * Math.max(0, Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y));

export class Stage {
  #stage = element("stage");
  #screen = element("selfie");
  #canvas = element("selfie-canvas");
  #tag = element("tag");
  /** The answer whose picture stands there. */
  #answer = null;

  constructor() {
    new ResizeObserver(() => this.#arrange()).observe(this.#stage);
  }

  // The webcam.

  showCamera(state) {
    element("webcam").dataset.state = state;
    const [title, text] = cameraWords(state);
    say("webcam-title", title);
    say("webcam-text", text);
    element("camera-off").hidden = state !== "live";
    element("sample").hidden = !["off", "away", "refused", "missing", "busy", "dark", "insecure"].includes(state);
    if (state === "live") this.#arrange();
    else this.#front(state === "off" || state === "away" ? null : "webcam");
  }

  /** A recording has the camera in front, and its last picture in the corner. */
  record(yes) {
    if (yes) this.#front("webcam");
    else this.#front(null);
    this.#stage.toggleAttribute("data-recording", yes);
    this.#arrange();
  }

  // The selfie.

  /** The picture, while its answer is waited for. */
  async wait(picture) {
    this.#answer = null;
    this.#mark();
    await drawPicture(this.#canvas, picture);
    this.#enter("waiting", word("status.looking"));
    this.#stage.scrollIntoView({ block: "nearest" });
  }

  async show(picture, answer) {
    await drawPicture(this.#canvas, picture);
    this.#canvas.setAttribute("aria-label", word("stage.marked", { mood: moodWord(answer.mood) }));
    this.#answer = answer;
    this.#mark();
    this.#enter("done");
  }

  /** What went wrong is said beside it. */
  fail() {
    this.#enter("failed", word("stage.failed"));
  }

  cancel() {
    if (this.#answer) this.#enter("done");
    else this.clear(word("stage.no-answer"), word("stage.cancelled"));
  }

  clear(title = word("stage.no-picture"), text = "") {
    this.#answer = null;
    this.#canvas.width = 0;
    this.#canvas.setAttribute("aria-label", word("stage.no-picture"));
    this.#mark();
    this.#enter("empty", title, text);
  }

  /** Lets somebody point at one of several faces; its box, or null where they do not want to. */
  point({ faces, image, cancelled }) {
    const overlay = element("faces");
    const screen = { width: this.#stage.clientWidth, height: this.#stage.clientHeight };
    this.#front("selfie");
    return new Promise(resolve => {
      const finish = box => {
        overlay.replaceChildren();
        overlay.hidden = true;
        resolve(box);
      };
      overlay.replaceChildren(...faces.map((face, index) => {
        const button = document.createElement("button");
        const { x, y, width, height } = onScreen({ face, image }, screen);
        button.type = "button";
        button.setAttribute("aria-label", word("stage.face", { number: index + 1, count: faces.length }));
        for (const [name, value] of Object.entries({ left: x, top: y, width, height })) button.style[name] = `${value}px`;
        button.addEventListener("click", () => finish(face.box));
        return button;
      }));
      overlay.hidden = false;
      overlay.firstChild.focus();
      overlay.onclick = event => { if (event.target === overlay) finish(null); };
      overlay.onkeydown = event => { if (event.key === "Escape") finish(null); };
      cancelled.addEventListener("abort", () => finish(null));
    });
  }

  /** The light of a snapshot. */
  flash() {
    this.#stage.classList.remove("flash");
    void this.#stage.offsetWidth;
    this.#stage.classList.add("flash");
  }

  #enter(state, title = "", text = "") {
    this.#screen.dataset.state = state;
    say("selfie-title", title);
    say("selfie-text", text);
    if (!this.#stage.hasAttribute("data-recording")) this.#front(null);
  }

  /** `webcam`, `selfie`, or null for the picture where there is one. */
  #front(view) {
    this.#stage.dataset.front = view ?? (this.#screen.dataset.state === "empty" ? "webcam" : "selfie");
    this.#arrange();
  }

  #mark() {
    if (this.#answer) markFace(element("mark"), this.#answer);
    else element("mark").replaceChildren();
    this.#tag.textContent = this.#answer ? tagWords(this.#answer.mood) : "";
    this.#arrange();
  }

  /** Keeps the face free: the mood stands beside it, and the small picture in the corner farthest from it. */
  #arrange() {
    const screen = { width: this.#stage.clientWidth, height: this.#stage.clientHeight };
    const shown = this.#answer !== null && this.#stage.dataset.front === "selfie" && this.#screen.dataset.state === "done";
    this.#tag.hidden = !shown;
    if (!shown || screen.width === 0) {
      this.#stage.dataset.corner = "right";
      return;
    }
    const box = onScreen(this.#answer, screen);
    const label = { width: this.#tag.offsetWidth, height: this.#tag.offsetHeight };
    const place = beside(box, label, screen);
    this.#tag.hidden = place === null;
    if (place) {
      this.#tag.style.left = `${place.x}px`;
      this.#tag.style.top = `${place.y}px`;
    }
    const size = { width: screen.width * CORNER, height: screen.height * CORNER };
    const cost = x => {
      const corner = { x, y: screen.height - size.height, ...size };
      return covered(corner, box) + (place ? covered(corner, { ...place, ...label }) : 0);
    };
    this.#stage.dataset.corner = cost(0) < cost(screen.width - size.width) ? "left" : "right";
  }
}
