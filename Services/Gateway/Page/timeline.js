// A recording as it goes: how long it lasts, and the mood of each picture with what it said of the video.

import { drawn, element } from "./dom.js";
import { timelineWords } from "./words.js";

/** As many pictures as have room. */
const LONGEST = 60;
const HEIGHT = 40;

export class Timeline {
  #entries = [];
  #began = 0;
  #clock = 0;

  start() {
    this.#entries = [];
    this.#began = performance.now();
    this.#tick();
    this.#clock = setInterval(() => this.#tick(), 1_000);
    this.#draw();
  }

  stop() {
    clearInterval(this.#clock);
  }

  clear() {
    this.#entries = [];
    this.#draw();
  }

  add({ mood, reaction }) {
    this.#entries = [...this.#entries, { mood: mood.name, score: mood.scores[mood.name] ?? 1, enjoyed: reaction?.rating === 1 }].slice(-LONGEST);
    this.#draw();
  }

  #tick() {
    const seconds = Math.floor((performance.now() - this.#began) / 1_000);
    element("elapsed").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }

  #draw() {
    const graph = element("timeline-graph");
    element("timeline").hidden = this.#entries.length === 0;
    graph.setAttribute("viewBox", `0 0 ${LONGEST * 10} ${HEIGHT + 10}`);
    graph.setAttribute("aria-label", timelineWords(this.#entries));
    graph.replaceChildren(...this.#entries.flatMap(({ mood, score, enjoyed }, index) => {
      const height = Math.max(4, score * HEIGHT);
      const bar = drawn("rect", { x: index * 10 + 1, y: HEIGHT + 10 - height, width: 8, height, rx: 3, "data-mood": mood });
      return enjoyed ? [bar, drawn("circle", { cx: index * 10 + 5, cy: HEIGHT + 5 - height, r: 3, class: "enjoyed" })] : [bar];
    }));
  }
}
