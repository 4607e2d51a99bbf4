// The result over the photo, and maps of its points with one mark on all of them; nothing here asks the server.
const find = (selector) => element.querySelector(selector);
const MAPS = ["predicted", "rendered", "heat"];
const BLINK_MS = 600, FAR = 8;
let value = {}, views = [], levels = {}, heard = null, mark = null, ticket = 0, timer = null;

const boxes = MAPS.map((name) => find(`canvas.${name}`));
const opacity = find(".opacity"), blink = find(".blink"), maps = find(".spir-maps");

function paint() {
  if (!views.length) return;
  const colours = heard && heard.run === value.run ? heard.colours : value.palette;
  window.spir.paint(find(".render"), views[0], colours);
}

function setOpacity(percent) {
  opacity.value = percent;
  opacity.setAttribute("aria-valuetext", `${percent} percent`);
  find(".render").style.opacity = percent / 100;
}

const other = () => setOpacity(Number(opacity.value) < 50 ? 100 : 0);

function stopBlinking() {
  clearInterval(timer);
  timer = null;
  blink.setAttribute("aria-pressed", "false");
}

function startBlinking() {
  other();
  // Whoever wants little motion changes sides press by press.
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  blink.setAttribute("aria-pressed", "true");
  timer = setInterval(() => (element.isConnected ? other() : stopBlinking()), BLINK_MS);
}

// A picture's bytes, red, green, blue and alpha; drawn on `canvas` where one is given.
function bytes(image, canvas = document.createElement("canvas")) {
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height).data;
}

function number(level) {
  const told = ((level / 127.5 - 1) * value.range).toFixed(2);
  return told === "-0.00" ? "0.00" : told.replace("-", "−");
}

function place(name, at) {
  const data = levels[name];
  if (!data[at + 3]) return "nothing here";
  return ["x", "y", "z"].map((axis, i) => `${axis} ${number(data[at + i])}`).join(", ");
}

function distance(at) {
  if (!levels.predicted[at + 3]) return "–";
  const level = levels.off[at];
  const pixels = ((level / 255) * value.worst).toFixed(1);
  return level === 255 ? `more than ${value.worst.toFixed(0)} pixels` : `${pixels} pixels`;
}

function showMark() {
  element.querySelectorAll(".mark").forEach((spot) => {
    spot.hidden = !mark;
    if (!mark) return;
    spot.style.left = `${(100 * (mark.x + 0.5)) / value.size}%`;
    spot.style.top = `${(100 * (mark.y + 0.5)) / value.size}%`;
  });
  const at = mark ? 4 * (mark.y * value.size + mark.x) : 0;
  find(".seen").textContent = mark ? place("predicted", at) : "–";
  find(".shown").textContent = mark ? place("rendered", at) : "–";
  find(".off").textContent = mark ? distance(at) : "–";
}

function moveMark(x, y) {
  const within = (n) => Math.max(0, Math.min(value.size - 1, n));
  mark = { x: within(x), y: within(y) };
  showMark();
}

function point(event) {
  const box = event.currentTarget.getBoundingClientRect();
  const at = (from, start, length) => Math.floor(((from - start) / length) * value.size);
  moveMark(at(event.clientX, box.left, box.width), at(event.clientY, box.top, box.height));
}

function step(event) {
  const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [];
  if (x === undefined) return;
  event.preventDefault();
  const far = event.shiftKey ? FAR : 1, middle = value.size >> 1;
  if (mark) moveMark(mark.x + far * x, mark.y + far * y);
  else moveMark(middle, middle);
}

async function take() {
  const news = props.value || {}, mine = ++ticket;
  find(".spir-note").textContent = news.note || "";
  find(".spir-posing-parts").hidden = !news.render;
  if (!news.render) {
    views = [];
    stopBlinking();
    return;
  }
  const names = [...MAPS, "off"];
  const [weights, ...images] = await Promise.all([
    window.spir.unpack(news.render, news.values, news.size),
    ...names.map((name) => window.spir.loaded(news[name])),
  ]);
  // A later picture has overtaken this one.
  if (mine !== ticket) return;
  if (news.run !== value.run) mark = null;
  value = news;
  views = weights;
  find(".photo").src = news.photo;
  names.forEach((name, i) => (levels[name] = bytes(images[i], boxes[MAPS.indexOf(name)])));
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
  other();
});
maps.addEventListener("keydown", step);
boxes.forEach((box) => {
  box.addEventListener("pointermove", point);
  box.addEventListener("pointerdown", point);
});
window.spir.on("palette", element, (palette) => {
  heard = palette;
  paint();
});
setOpacity(60);
watch("value", take);
take();
