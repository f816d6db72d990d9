// The list of videos.

import { cover } from "./cover.js";
import { element } from "./dom.js";
import { word } from "./language.js";
import { Opinions } from "./opinions.js";
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
  #opinions = new Opinions();
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

  /** Shows these. `person`: they are somebody's; `want`: what they are to do with the mood; `calm`: not while somebody is in the list. */
  show(videos, { mood = null, person = false, want = "match", calm = false } = {}) {
    if (calm && this.#occupied) {
      this.#held = [videos, { mood, person, want }];
      return;
    }
    this.#held = null;
    this.#videos = videos;
    this.#options = { mood, person, want };
    this.#draw();
  }

  /** What everybody finds before the first picture. */
  restoreDefaults() {
    this.#opinions.forget();
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
    const because = members.flatMap(video => video.because ?? []).map(enjoyed => enjoyed.title);
    heading.textContent = reasonWords(source, { ...this.#options, because });
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
    this.#showOpinion(row);
    const colours = video.source === "mood" ? this.#options.want === "lift" ? "happy" : this.#options.mood : null;
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
    for (const [name, kind] of [["like", "like"], ["refuse", "not_for_me"], ["undo", "not_for_me"]]) {
      item.querySelector(`.${name}`).addEventListener("click", () => this.#think(row, kind));
    }
    return row;
  }

  /** Somebody pressed what they think of a video; the same once more takes it back. */
  #think(row, kind) {
    const video = row.video.video_id;
    this.#opinions.set(video, this.#opinions.of(video) === kind ? null : kind, () => {
      const held = row.item.contains(document.activeElement);
      this.#showOpinion(row);
      // The button that was pressed may be gone.
      if (held) row.item.querySelector(this.#opinions.of(video) === "not_for_me" ? ".undo" : `.${kind === "like" ? "like" : "refuse"}`).focus();
    });
  }

  #showOpinion({ item, video }) {
    const kind = this.#opinions.of(video.video_id);
    const { title } = video;
    item.dataset.opinion = this.#options.person ? kind ?? "none" : "nobody's";
    item.querySelector(".opinions").hidden = !this.#options.person || kind === "not_for_me";
    item.querySelector(".refused").hidden = kind !== "not_for_me";
    item.querySelector(".like").setAttribute("aria-pressed", String(kind === "like"));
    item.querySelector(".like").setAttribute("aria-label", word("video.like", { title }));
    item.querySelector(".refuse").setAttribute("aria-label", word("video.refuse", { title }));
    item.querySelector(".refused-text").textContent = word("video.refused");
    item.querySelector(".undo").textContent = word("video.undo");
    item.querySelector(".undo").setAttribute("aria-label", `${word("video.undo")}: ${title}`);
  }

  #markRow(id, link) {
    id === this.#playing ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  }
}
