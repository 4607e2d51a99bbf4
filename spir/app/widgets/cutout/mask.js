// A mask in the browser: one byte a pixel, 1 on the object. How it is read, written, painted on and drawn.
// Python puts this file before cutout/widget.js, in the same function body.
const PINK = [255, 45, 110], PAPER = 240, DIM = 0.65;
const WHITE_PIXEL = 0xffffffff, BLACK_PIXEL = 0xff000000; // Bytes of a word are alpha, blue, green, red.

// RGBA of a black and white picture -> mask.
const unpackMask = (rgba) => Uint8Array.from({ length: rgba.length / 4 }, (_, i) => Number(rgba[4 * i] >= 128));

// Mask -> RGBA. Whole words, because a stroke repacks every pixel.
function packMask(mask, rgba) {
  const words = new Uint32Array(rgba.buffer);
  mask.forEach((inside, i) => (words[i] = inside ? WHITE_PIXEL : BLACK_PIXEL));
}

const sameMask = (a, b) => a.every((inside, i) => inside === b[i]);

async function imagePixels(source) {
  const image = await spir.loadImage(source), canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height);
}

const readMask = async (source) => unpackMask((await imagePixels(source)).data);

function maskToPng(mask, width, height) {
  const canvas = document.createElement("canvas"), picture = new ImageData(width, height);
  canvas.width = width;
  canvas.height = height;
  packMask(mask, picture.data);
  canvas.getContext("2d").putImageData(picture, 0, 0);
  return canvas.toDataURL("image/png");
}

// Every pixel whose centre is at most `radius` from the segment between two places becomes `value`.
function paintLine(mask, width, height, from, to, radius, value) {
  const dx = to.x - from.x, dy = to.y - from.y, squaredLength = dx * dx + dy * dy;
  const low = (a, b) => Math.max(0, Math.floor(Math.min(a, b) - radius));
  const high = (a, b, size) => Math.min(size - 1, Math.ceil(Math.max(a, b) + radius));
  const right = high(from.x, to.x, width), bottom = high(from.y, to.y, height);
  for (let y = low(from.y, to.y); y <= bottom; y++)
    for (let x = low(from.x, to.x); x <= right; x++) {
      const px = x + 0.5 - from.x, py = y + 0.5 - from.y;
      // The nearest place of the segment, 0 at `from` and 1 at `to`; a click is a segment of length 0.
      const along = squaredLength ? Math.max(0, Math.min(1, (px * dx + py * dy) / squaredLength)) : 0;
      if ((px - along * dx) ** 2 + (py - along * dy) ** 2 <= radius * radius) mask[y * width + x] = value;
    }
}

// The photo, faded outside the mask and tinted pink inside; at the border pink within and white without, so that it
// is seen on any photo. `photo` and `rgba` are RGBA.
function maskedPixels(photo, mask, width, height, tint, rgba) {
  const border = Math.max(1, Math.round(Math.max(width, height) / 320)), rows = border * width;
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const inside = mask[i], to = 4 * i;
      const atBorder = (x >= border && mask[i - border] !== inside) || (x < width - border && mask[i + border] !== inside)
        || (y >= border && mask[i - rows] !== inside) || (y < height - border && mask[i + rows] !== inside);
      for (let c = 0; c < 3; c++) {
        const level = photo[to + c];
        if (atBorder) rgba[to + c] = inside ? PINK[c] : 255;
        else if (inside) rgba[to + c] = level + tint * (PINK[c] - level);
        else rgba[to + c] = level + DIM * (PAPER - level);
      }
      rgba[to + 3] = 255;
    }
}

function drawMask(context, photo, mask, width, height, tint) {
  const picture = context.createImageData(width, height);
  maskedPixels(photo, mask, width, height, tint, picture.data);
  context.putImageData(picture, 0, 0);
}

// White over black: to be seen on every photo. `screenPixel` is the size of one in pixels of the canvas.
function drawTwice(context, path, screenPixel) {
  for (const [colour, thickness] of [["#000", 3.5 * screenPixel], ["#fff", 1.5 * screenPixel]]) {
    context.strokeStyle = colour;
    context.lineWidth = thickness;
    context.beginPath();
    path();
    context.stroke();
  }
}

// A circle with a plus or a minus in it.
function drawBrush(context, { x, y }, radius, adds, screenPixel) {
  const arm = Math.min(radius, 5 * screenPixel);
  drawTwice(context, () => {
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.moveTo(x - arm, y);
    context.lineTo(x + arm, y);
    if (!adds) return;
    context.moveTo(x, y - arm);
    context.lineTo(x, y + arm);
  }, screenPixel);
}
