// Pictures on their way out: upright, no bigger than needed, without the file's metadata.

const LONGEST_SIDE = 1280;
const QUALITY = 0.9;

/** A file that no browser can show as a picture. */
export class UnreadablePicture extends Error {}

/** Draws `source` (a video or a bitmap of `width` x `height`) anew as JPEG, which leaves EXIF and position behind. */
export async function jpeg({ source, width, height }) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise(resolve => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (!blob) throw new UnreadablePicture();
  return blob;
}

/** The picture in a file, turned upright. Throws `UnreadablePicture`. */
export async function pictureIn(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new UnreadablePicture();
  }
  try {
    return await jpeg({ source: bitmap, width: bitmap.width, height: bitmap.height });
  } finally {
    bitmap.close();
  }
}
