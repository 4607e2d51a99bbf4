// A mask in the browser: one byte a pixel, 1 on the object. How it is read, written, painted on and drawn.
const PINK = [255, 45, 110], PAPER = 240, DIM = 0.65;

async function pixels(source) {
  const image = await spir.loaded(source), sheet = document.createElement("canvas");
  sheet.width = image.width;
  sheet.height = image.height;
  const pen = sheet.getContext("2d", { willReadFrequently: true });
  pen.drawImage(image, 0, 0);
  return pen.getImageData(0, 0, image.width, image.height);
}

async function solid(source) {
  const { data } = await pixels(source);
  return Uint8Array.from({ length: data.length / 4 }, (_, i) => Number(data[4 * i] >= 128));
}

function asPng(mask, width, height) {
  const sheet = document.createElement("canvas"), picture = new ImageData(width, height);
  sheet.width = width;
  sheet.height = height;
  const words = new Uint32Array(picture.data.buffer);
  mask.forEach((inside, i) => (words[i] = inside ? 0xffffffff : 0xff000000));
  sheet.getContext("2d").putImageData(picture, 0, 0);
  return sheet.toDataURL("image/png");
}

// All pixels whose middle is at most `radius` from the line between two places become `value`.
function paintLine(mask, width, height, from, to, radius, value) {
  const dx = to.x - from.x, dy = to.y - from.y, length = dx * dx + dy * dy;
  const low = (a, b) => Math.max(0, Math.floor(Math.min(a, b) - radius));
  const high = (a, b, most) => Math.min(most - 1, Math.ceil(Math.max(a, b) + radius));
  const right = high(from.x, to.x, width), bottom = high(from.y, to.y, height);
  for (let y = low(from.y, to.y); y <= bottom; y++)
    for (let x = low(from.x, to.x); x <= right; x++) {
      const px = x + 0.5 - from.x, py = y + 0.5 - from.y;
      const along = length ? Math.max(0, Math.min(1, (px * dx + py * dy) / length)) : 0;
      if ((px - along * dx) ** 2 + (py - along * dy) ** 2 <= radius * radius) mask[y * width + x] = value;
    }
}

// The photo, dimmed outside the mask and pink inside, with an outline that is pink within and white without.
function drawMask(context, under, mask, width, height, tint) {
  const picture = context.createImageData(width, height), data = picture.data;
  const seam = Math.max(1, Math.round(Math.max(width, height) / 320)), below = seam * width;
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const inside = mask[i], to = 4 * i;
      const edge = (x >= seam && mask[i - seam] !== inside) || (x < width - seam && mask[i + seam] !== inside)
        || (y >= seam && mask[i - below] !== inside) || (y < height - seam && mask[i + below] !== inside);
      for (let c = 0; c < 3; c++) {
        const colour = under[to + c];
        if (edge) data[to + c] = inside ? PINK[c] : 255;
        else if (inside) data[to + c] = colour + tint * (PINK[c] - colour);
        else data[to + c] = colour + DIM * (PAPER - colour);
      }
      data[to + 3] = 255;
    }
  context.putImageData(picture, 0, 0);
}

// White over black: to be seen on every photo. `pen` is one pixel of the screen.
function drawTwice(context, line, pen) {
  for (const [colour, thick] of [["#000", 3.5 * pen], ["#fff", 1.5 * pen]]) {
    context.strokeStyle = colour;
    context.lineWidth = thick;
    context.beginPath();
    line();
    context.stroke();
  }
}

function drawBrush(context, { x, y }, radius, adds, pen) {
  const arm = Math.min(radius, 5 * pen);
  drawTwice(context, () => {
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.moveTo(x - arm, y);
    context.lineTo(x + arm, y);
    if (!adds) return;
    context.moveTo(x, y - arm);
    context.lineTo(x, y + arm);
  }, pen);
}
