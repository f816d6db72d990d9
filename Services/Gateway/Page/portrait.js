// The selfie with the face marked.

const PLATE = "rgb(15 17 20 / .86)";

/** Draws the picture alone, and says so to those who cannot see it. */
export async function drawPicture(canvas, picture) {
  const bitmap = await createImageBitmap(picture);
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  canvas.setAttribute("aria-label", "Your picture");
}

/** Draws the picture, the face's box and the mood at it. Coordinates are in pixels of an upright `image`. */
export async function drawPortrait(canvas, picture, { face, image, mood }) {
  await drawPicture(canvas, picture);
  const context = canvas.getContext("2d");
  const scale = canvas.width / image.width;
  const unit = Math.max(canvas.width, canvas.height) / 320;
  const box = {
    x: face.box.x * scale, y: face.box.y * scale, width: face.box.width * scale, height: face.box.height * scale,
  };
  drawBox(context, box, unit);
  drawLabel(context, mood.name, box, unit);
  canvas.setAttribute("aria-label", `Your picture with your face marked, and the word ${mood.name}`);
}

/** A white line with dark dashes on it shows on any picture. */
function drawBox(context, { x, y, width, height }, unit) {
  context.lineJoin = "round";
  context.lineWidth = 1.6 * unit;
  context.strokeStyle = "#fff";
  context.strokeRect(x, y, width, height);
  context.lineWidth = 0.8 * unit;
  context.strokeStyle = "#0b57d0";
  context.setLineDash([5 * unit, 4 * unit]);
  context.strokeRect(x, y, width, height);
  context.setLineDash([]);
}

/** The mood on a dark plate above the box, or inside it where there is no room above. */
function drawLabel(context, text, box, unit) {
  const size = 11 * unit;
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  const width = context.measureText(text).width + size;
  const height = 1.6 * size;
  const x = Math.min(Math.max(box.x, unit), context.canvas.width - width - unit);
  const above = box.y - height - 2 * unit;
  const y = above > unit ? above : Math.max(box.y, 0) + 3 * unit;
  context.fillStyle = PLATE;
  context.beginPath();
  context.roundRect(x, y, width, height, 3 * unit);
  context.fill();
  context.fillStyle = "#fff";
  context.fillText(text, x + size / 2, y + height / 2);
}
