// The result over the photo, and maps of its points with one mark on all of them; nothing here asks the server.
const MAPS = ["predicted", "rendered", "heat"];
const BLINK_MS = 600, LONG_STEP = 8;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// A byte of a map stands for a coordinate between -range and range. Shown with a true minus sign, and never as -0.
function coordinate(level, range) {
  const text = ((level / 127.5 - 1) * range).toFixed(2);
  return text === "-0.00" ? "0.00" : text.replace("-", "−");
}

// The point of the object at byte `at` of a map's RGBA.
function describePoint(rgba, at, range) {
  if (!rgba[at + 3]) return "nothing here";
  return ["x", "y", "z"].map((axis, i) => `${axis} ${coordinate(rgba[at + i], range)}`).join(", ");
}

// A byte of the error map: 255 stands for `worst` pixels and everything above.
function describeError(level, worst) {
  return level === 255 ? `more than ${worst.toFixed(0)} pixels` : `${((level / 255) * worst).toFixed(1)} pixels`;
}

const withinMap = (n, size) => Math.max(0, Math.min(size - 1, n));

const find = (selector) => element.querySelector(selector);
const canvases = MAPS.map((name) => find(`canvas.${name}`));
const opacity = find(".opacity"), blink = find(".blink"), maps = find(".spir-maps");
const pixels = {}; // Name of a map -> its RGBA.
let value = {}, views = [], paletteMessage = null, mark = null, latestRequest = 0, timer = null;

function paint() {
  if (!views.length) return;
  const recoloured = paletteMessage && paletteMessage.run === value.run;
  window.spir.paint(find(".render"), views[0], recoloured ? paletteMessage.colours : value.palette);
}

function setOpacity(percent) {
  opacity.value = percent;
  opacity.setAttribute("aria-valuetext", `${percent} percent`);
  find(".render").style.opacity = percent / 100;
}

const swapSides = () => setOpacity(Number(opacity.value) < 50 ? 100 : 0);

function stopBlinking() {
  clearInterval(timer);
  timer = null;
  blink.setAttribute("aria-pressed", "false");
}

function startBlinking() {
  swapSides();
  // Whoever wants little motion changes sides press by press.
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  blink.setAttribute("aria-pressed", "true");
  timer = setInterval(() => (element.isConnected ? swapSides() : stopBlinking()), BLINK_MS);
}

// A picture's RGBA; drawn on `canvas` where one is given.
function readPixels(image, canvas = document.createElement("canvas")) {
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height).data;
}

function showMark() {
  element.querySelectorAll(".mark").forEach((spot) => {
    spot.hidden = !mark;
    if (!mark) return;
    spot.style.left = `${(100 * (mark.x + 0.5)) / value.size}%`;
    spot.style.top = `${(100 * (mark.y + 0.5)) / value.size}%`;
  });
  const at = mark ? 4 * (mark.y * value.size + mark.x) : 0;
  find(".seen").textContent = mark ? describePoint(pixels.predicted, at, value.range) : "–";
  find(".shown").textContent = mark ? describePoint(pixels.rendered, at, value.range) : "–";
  // No error where the network saw no object.
  const known = mark && pixels.predicted[at + 3];
  find(".off").textContent = known ? describeError(pixels.off[at], value.worst) : "–";
}

function moveMark(x, y) {
  mark = { x: withinMap(x, value.size), y: withinMap(y, value.size) };
  showMark();
}

function pointAt(event) {
  const box = event.currentTarget.getBoundingClientRect();
  const pixel = (client, start, length) => Math.floor(((client - start) / length) * value.size);
  moveMark(pixel(event.clientX, box.left, box.width), pixel(event.clientY, box.top, box.height));
}

function stepMark(event) {
  const [x, y] = MOVES[event.key] || [];
  if (x === undefined) return;
  event.preventDefault();
  const length = event.shiftKey ? LONG_STEP : 1, middle = value.size >> 1;
  if (mark) moveMark(mark.x + length * x, mark.y + length * y);
  else moveMark(middle, middle);
}

async function receive() {
  const next = props.value || {}, request = ++latestRequest;
  find(".spir-note").textContent = next.note || "";
  find(".spir-posing-parts").hidden = !next.render;
  if (!next.render) {
    views = [];
    stopBlinking();
    return;
  }
  const names = [...MAPS, "off"];
  const [loadedViews, ...images] = await Promise.all([
    window.spir.loadViews(next.render, next.values, next.size),
    ...names.map((name) => window.spir.loadImage(next[name])),
  ]);
  // A later value has overtaken this one while its pictures loaded.
  if (request !== latestRequest) return;
  if (next.run !== value.run) mark = null;
  value = next;
  views = loadedViews;
  find(".photo").src = next.photo;
  // "off" is read but not shown: the heat map shows the same errors as colours.
  names.forEach((name, i) => (pixels[name] = readPixels(images[i], canvases[MAPS.indexOf(name)])));
  paint();
  showMark();
}

opacity.addEventListener("input", () => {
  stopBlinking();
  setOpacity(Number(opacity.value));
});
blink.addEventListener("click", () => (timer ? stopBlinking() : startBlinking()));
element.addEventListener("keydown", (event) => {
  if (event.key !== "o" || event.ctrlKey || event.metaKey || event.altKey || !views.length) return;
  stopBlinking();
  swapSides();
});
maps.addEventListener("keydown", stepMark);
canvases.forEach((canvas) => {
  canvas.addEventListener("pointermove", pointAt);
  canvas.addEventListener("pointerdown", pointAt);
});
window.spir.on("palette", element, (message) => {
  paletteMessage = message;
  paint();
});
setOpacity(60);
watch("value", receive);
receive();
