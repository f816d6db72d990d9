// The list of videos.

import { cover } from "./cover.js";
import { element } from "./dom.js";
import { defaults } from "./picks.js";
import { reasonWords } from "./words.js";

/** By source, in the order of the list, so that a reason is said once. */
function grouped(videos) {
  const groups = new Map();
  for (const video of videos) groups.set(video.source, [...groups.get(video.source) ?? [], video]);
  return groups;
}

export class VideoList {
  #frame = element("recommendations");
  #list = element("videos");
  #chosen;
  /** What is shown, by video: its row and what it tells. */
  #rows = new Map();
  /** Every title ever shown, to name a reason by. */
  #titles = new Map();
  #videos = [];
  #options = {};
  /** A list that waits until nobody is in this one any more. */
  #held = null;
  #playing = null;

  /** `chosen(video, person, elsewhere)`: somebody chose a video, `elsewhere` when it opens in a tab of its own. */
  constructor(chosen) {
    this.#chosen = chosen;
    for (const leaving of ["focusout", "pointerleave"]) {
      this.#list.addEventListener(leaving, () => setTimeout(() => this.#release()));
    }
  }

  /** Shows these. `person`: they are somebody's; `calm`: not while somebody is in the list. */
  show(videos, { mood = null, person = false, calm = false } = {}) {
    if (calm && this.#occupied) {
      this.#held = [videos, { mood, person }];
      return;
    }
    this.#held = null;
    this.#videos = videos;
    this.#options = { mood, person };
    this.#draw();
  }

  /** What everybody finds before the first picture. */
  restoreDefaults() {
    this.show(defaults());
  }

  /** Something is looked for; what is there stays meanwhile. */
  wait() {
    this.#frame.dataset.state = "waiting";
  }

  /** What was looked for did not come. */
  restore() {
    this.#frame.dataset.state = "done";
  }

  /** Marks the video that plays, by its id. */
  mark(playing) {
    this.#playing = playing;
    for (const [id, { link }] of this.#rows) this.#markRow(id, link);
  }

  /** The one after the video that plays; null at the end. */
  get next() {
    const index = this.#videos.findIndex(video => video.video_id === this.#playing);
    return this.#videos[index + 1] ?? null;
  }

  /** Somebody reads it with the pointer on it, or goes through it by keyboard. */
  get #occupied() {
    return this.#list.matches(":hover") || this.#list.querySelector(":focus-visible") !== null;
  }

  #release() {
    if (this.#held && !this.#occupied) this.show(...this.#held);
  }

  #draw() {
    const videos = [...this.#videos];
    const leftOver = this.#rows.get(this.#playing)?.video;
    // What plays stays in sight, whatever comes after it.
    if (leftOver && !videos.some(video => video.video_id === leftOver.video_id)) {
      videos.push({ ...leftOver, source: "playing" });
    }
    const focused = document.activeElement?.closest("#videos li");
    const place = focused ? [...this.#list.querySelectorAll("li")].indexOf(focused) : -1;
    const rows = new Map(videos.map(video => [video.video_id, this.#row(video)]));
    for (const video of videos) this.#titles.set(video.video_id, video.title);
    this.#rows = rows;

    this.#list.replaceChildren(...[...grouped(videos)].map(([source, members]) => this.#group(source, members)));
    this.restore();
    // A row that moved has lost the focus; one that went leaves it to its neighbour.
    if (focused && !focused.contains(document.activeElement)) {
      const links = this.#list.querySelectorAll("a");
      (focused.isConnected ? focused.querySelector("a") : links[Math.min(place, links.length - 1)])?.focus({ preventScroll: true });
    }
  }

  #group(source, members) {
    const group = document.createElement("section");
    group.className = "group";
    const heading = document.createElement("h3");
    const list = document.createElement("ol");
    const because = members.flatMap(video => video.because ?? []).map(id => this.#titles.get(id)).filter(Boolean);
    heading.textContent = reasonWords(source, this.#options.mood, because);
    list.append(...members.map(video => this.#rows.get(video.video_id).item));
    group.append(heading, list);
    return group;
  }

  /** A link to YouTube that plays here instead, and says that it was chosen. The same video keeps its row. */
  #row(video) {
    const row = this.#rows.get(video.video_id) ?? this.#made();
    row.video = video;
    row.link.href = video.url ?? `https://www.youtube.com/watch?v=${video.video_id}`;
    const title = row.item.querySelector(".title");
    if (title.textContent !== video.title) title.textContent = video.title;
    const colours = video.source === "mood" ? this.#options.mood : null;
    if (row.colours !== colours) {
      row.colours = colours;
      row.item.querySelector(".cover")?.remove();
      row.item.querySelector(".picture").prepend(cover(video.title, colours));
    }
    this.#markRow(video.video_id, row.link);
    return row;
  }

  #made() {
    const item = element("listed").content.firstElementChild.cloneNode(true);
    const row = { item, link: item.querySelector("a"), video: null, colours: undefined };
    row.link.addEventListener("click", event => {
      const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey;
      if (!elsewhere) event.preventDefault();
      this.#chosen(row.video, this.#options.person, elsewhere);
    });
    row.link.addEventListener("auxclick", event => {
      if (event.button === 1) this.#chosen(row.video, this.#options.person, true);
    });
    return row;
  }

  #markRow(id, link) {
    id === this.#playing ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  }
}
