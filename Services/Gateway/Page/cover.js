// A picture for each video, made here: a thumbnail of YouTube's would tell Google what was shown to whom.

import { drawn } from "./dom.js";

/** From the ground to what stands out on it. */
const COLOURS = {
  happy: [["#f59e0b", "#db2777", "#fde68a"], ["#ea580c", "#facc15", "#fff7d6"], ["#e11d48", "#fb923c", "#ffe4b5"]],
  surprised: [["#4c1d95", "#c026d3", "#67e8f9"], ["#1e1b4b", "#7c3aed", "#fbcfe8"], ["#581c87", "#0ea5e9", "#f5d0fe"]],
  neutral: [["#0f4c5c", "#2a9d8f", "#d8f3dc"], ["#1d3557", "#457b9d", "#e0fbfc"], ["#14532d", "#4d908e", "#e9f5db"]],
  upset: [["#312e81", "#9d4e6c", "#fecdd3"], ["#1e3a5f", "#7c5a83", "#e0d7f5"], ["#3b2b4a", "#b56576", "#ffe5d9"]],
  none: [["#0b57d0", "#22a6b3", "#e0f2fe"], ["#334155", "#0b57d0", "#dbeafe"], ["#0f766e", "#2563eb", "#ccfbf1"]],
};

/** What a title is about, as far as its words tell. */
const MOTIFS = [
  [/nature|earth|iguana|bird|ocean|island|ridge|\bsun|rainbow|water/i, ["hills"]],
  [/space|(to|on) mars|nasa|starship|black hole|galax|universe|rocket|falcon/i, ["space"]],
  [/\bted\b|talk|how to|why |what |explained|meditation|\|/i, ["talk"]],
  [/ - |official|video|live|concert|song|feat|ft\./i, ["bars", "disc", "waves"]],
];
const OTHERWISE = ["rings", "waves"];

/** Numbers between 0 and 1 that are the same for the same text. */
function chance(text) {
  let state = 2166136261;
  for (const unit of text) state = Math.imul(state ^ unit.codePointAt(0), 16777619);
  return () => {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9 | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

const SHAPES = {
  /** A planet with its ring, among stars. */
  space(next, bright) {
    const stars = Array.from({ length: 26 }, () => drawn("circle", { cx: next() * 160, cy: next() * 90, r: 0.4 + next(), fill: "#fff" }));
    const x = 40 + next() * 80;
    const size = 15 + next() * 9;
    return [
      ...stars, drawn("circle", { cx: x, cy: 46, r: size, fill: bright, "fill-opacity": 0.9 }),
      drawn("ellipse", { cx: x, cy: 46, rx: size * 1.8, ry: size * 0.45, fill: "none", stroke: "#fff", "stroke-width": 2, "stroke-opacity": 0.8, transform: `rotate(-18 ${x} 46)` }),
    ];
  },
  /** A sun over hills. */
  hills(next, bright) {
    const sun = drawn("circle", { cx: 30 + next() * 100, cy: 34, r: 14, fill: bright, "fill-opacity": 0.95 });
    const hill = (height, opacity) => {
      const [a, b] = [next() * 24, next() * 24];
      return drawn("path", { d: `M0 ${height + a} Q40 ${height - 22 + b} 84 ${height + 4} T160 ${height - a / 2} V90 H0Z`, fill: "#071a1f", "fill-opacity": opacity });
    };
    return [sun, hill(56, 0.28), hill(68, 0.42)];
  },
  /** Two who speak. */
  talk(next, bright) {
    const bubble = (x, y, width, fill, opacity) => drawn("path", {
      d: `M${x} ${y}h${width}a8 8 0 0 1 8 8v10a8 8 0 0 1-8 8h-${width - 14}l-10 9v-9a8 8 0 0 1-8-8v-10a8 8 0 0 1 8-8z`, fill, "fill-opacity": opacity,
    });
    return [bubble(28 + next() * 14, 16, 50 + next() * 20, bright, 0.85), bubble(66 + next() * 10, 46, 40 + next() * 16, "#fff", 0.45)];
  },
  /** Music as it is heard. */
  bars(next, bright) {
    return Array.from({ length: 15 }, (_, index) => {
      const height = 10 + next() * 50 * (0.45 + Math.sin((index + 1) / 16 * Math.PI) * 0.75);
      return drawn("rect", { x: 12.5 + index * 9, y: 45 - height / 2, width: 5, height, rx: 2.5, fill: index % 4 === 1 ? "#fff" : bright, "fill-opacity": 0.85 });
    });
  },
  /** A record on its plate. */
  disc(next, bright) {
    const x = 50 + next() * 60;
    const ring = (r, fill, opacity) => drawn("circle", { cx: x, cy: 45, r, fill, "fill-opacity": opacity });
    return [ring(34, "#071a1f", 0.55), ring(27, "#fff", 0.1), ring(20, "#071a1f", 0.25), ring(12, bright, 0.95), ring(2.5, "#071a1f", 0.8)];
  },
  /** A tune that comes and goes. */
  waves(next, bright) {
    return [0.3, 0.5, 0.85].map((opacity, index) => {
      const y = 22 + index * 20;
      const high = 8 + next() * 16;
      return drawn("path", {
        d: `M-4 ${y} C30 ${y - high} 50 ${y + high} 84 ${y} S140 ${y - high} 164 ${y}`, fill: "none",
        stroke: index === 1 ? "#fff" : bright, "stroke-width": 5 + index * 2, "stroke-opacity": opacity, "stroke-linecap": "round",
      });
    });
  },
  /** Rings that go out from somewhere. */
  rings(next, bright) {
    const [x, y] = [30 + next() * 100, 20 + next() * 50];
    return [56, 42, 28, 14].map((r, index) => drawn("circle", { cx: x, cy: y, r, fill: bright, "fill-opacity": 0.16 + index * 0.16 }));
  },
};

let count = 0;

/** A cover for a title, in the colours of a mood. */
export function cover(title, mood) {
  const next = chance(title);
  const colours = COLOURS[mood] ?? COLOURS.none;
  const [from, to, bright] = colours[Math.floor(next() * colours.length)];
  const motifs = MOTIFS.find(([words]) => words.test(title))?.[1] ?? OTHERWISE;
  const motif = motifs[Math.floor(next() * motifs.length)];
  const id = `cover-${count += 1}`;
  return drawn("svg", { class: "cover", viewBox: "0 0 160 90", preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true", focusable: "false" },
    drawn("linearGradient", { id, x1: next(), y1: 0, x2: 1, y2: 1 },
      drawn("stop", { offset: 0, "stop-color": from }), drawn("stop", { offset: 1, "stop-color": to })),
    drawn("rect", { width: 160, height: 90, fill: `url(#${id})` }),
    ...SHAPES[motif](next, bright));
}
