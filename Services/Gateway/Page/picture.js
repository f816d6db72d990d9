// Pictures on their way out: upright, no bigger than needed, without the file's metadata, and fit to be looked at.

const LONGEST_SIDE = 1280;
const QUALITY = 0.9;

/** Pixels of the shorter side below which a face has too few to be told by. */
const SMALLEST_SIDE = 96;

/** Grey, from 0 to 255, that even the brightest fiftieth of a picture stays below where a face is lost in the dark. */
const DARKEST = 60;

/** Pixels of the side of the small picture that light and sharpness are read from. */
const SAMPLE = 160;

/** A picture that is not sent unless somebody wants it to be: `unreadable`, `dark` or `small`. */
export class UnfitPicture extends Error {
  constructor(reason, picture = null) {
    super(reason);
    this.reason = reason;
    /** What would be sent all the same; null for what cannot. */
    this.picture = picture;
  }
}

/** Draws `source` (a video, bitmap or canvas) anew, which leaves EXIF and position behind. `part` of it, or all. */
export function redrawn({ source, width, height }, part = { x: 0, y: 0, width, height }) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(part.width, part.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(part.width * scale));
  canvas.height = Math.max(1, Math.round(part.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, part.x, part.y, part.width, part.height, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function grey(canvas) {
  const height = Math.max(3, Math.round(SAMPLE * canvas.height / canvas.width));
  const context = new OffscreenCanvas(SAMPLE, height).getContext("2d");
  context.drawImage(canvas, 0, 0, SAMPLE, height);
  const { data } = context.getImageData(0, 0, SAMPLE, height);
  const values = new Float32Array(SAMPLE * height);
  for (let index = 0; index < values.length; index += 1) {
    values[index] = 0.299 * data[4 * index] + 0.587 * data[4 * index + 1] + 0.114 * data[4 * index + 2];
  }
  return { values, height };
}

/** How much detail there is: the mean square of the Laplacian. It compares pictures of the same scene. */
export function sharpness(canvas) {
  const { values, height } = grey(canvas);
  let sum = 0;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < SAMPLE - 1; x += 1) {
      const at = y * SAMPLE + x;
      sum += (4 * values[at] - values[at - 1] - values[at + 1] - values[at - SAMPLE] - values[at + SAMPLE]) ** 2;
    }
  }
  return sum / values.length;
}

function flaw(canvas) {
  if (Math.min(canvas.width, canvas.height) < SMALLEST_SIDE) return "small";
  const values = grey(canvas).values.sort();
  return values[Math.floor(values.length * 0.98)] < DARKEST ? "dark" : null;
}

/** The canvas as JPEG. Throws `UnfitPicture` when nobody would be seen in it. */
export async function jpeg(canvas) {
  const picture = await new Promise(resolve => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (!picture) throw new UnfitPicture("unreadable");
  const reason = flaw(canvas);
  if (reason) throw new UnfitPicture(reason, picture);
  return picture;
}

/** The picture in a file, turned upright, or `part` of it. Throws `UnfitPicture`. */
export async function pictureIn(file, part) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new UnfitPicture("unreadable");
  }
  try {
    return await jpeg(redrawn({ source: bitmap, width: bitmap.width, height: bitmap.height }, part));
  } finally {
    bitmap.close();
  }
}
