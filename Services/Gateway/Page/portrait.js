// The picture that was taken, with the face marked and the mood beside it.

import { drawn } from "./dom.js";
import { word } from "./language.js";

/** Pixels between the face's box and what is written beside it, and to the screen's edge. */
const GAP = 6;

/** Draws the picture alone, and says so to those who cannot see it. */
export async function drawPicture(canvas, picture) {
  const bitmap = await createImageBitmap(picture);
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  canvas.setAttribute("aria-label", word("stage.picture"));
}

/** Draws the face's box over a picture: a white line with dark dashes on it shows on any. Coordinates are in pixels of `image`. */
export function markFace(svg, { face, image }) {
  const { x, y, width, height } = face.box;
  svg.setAttribute("viewBox", `0 0 ${image.width} ${image.height}`);
  const box = { x, y, width, height, rx: width / 40 };
  svg.replaceChildren(drawn("rect", { class: "line", pathLength: 1, ...box }), drawn("rect", { class: "dashes", ...box }));
}

/** Where a box of the picture lies on a screen that shows all of it. */
export function onScreen({ face, image }, screen) {
  const scale = Math.min(screen.width / image.width, screen.height / image.height);
  return {
    x: (screen.width - image.width * scale) / 2 + face.box.x * scale,
    y: (screen.height - image.height * scale) / 2 + face.box.y * scale,
    width: face.box.width * scale,
    height: face.box.height * scale,
  };
}

const within = (value, least, most) => Math.min(Math.max(value, least), most);

/** Where a label of this size stands beside the box: below, above, right or left of it, and null where there is no room. */
export function beside(box, label, screen) {
  const x = within(box.x + (box.width - label.width) / 2, GAP, screen.width - label.width - GAP);
  const y = within(box.y + GAP, GAP, screen.height - label.height - GAP);
  const places = [
    { x, y: box.y + box.height + GAP }, { x, y: box.y - label.height - GAP },
    { x: box.x + box.width + GAP, y }, { x: box.x - label.width - GAP, y },
  ];
  const fits = place => place.x >= GAP && place.y >= GAP
    && place.x + label.width <= screen.width - GAP && place.y + label.height <= screen.height - GAP;
  return places.find(fits) ?? null;
}
