// The cut-out: the photo under its mask, a brush for it, and what the networks see. Each change sends the whole mask.
const find = (selector) => element.querySelector(selector);
const canvas = find("canvas"), context = canvas.getContext("2d", { willReadFrequently: true });
const slider = { size: find(".size"), margin: find(".margin") };
const TINT = 0.3, DEEP = 20, PATIENCE = 8000;
let run = null, width = 1, height = 1, under = null, mask = null, automatic = null;
let past = [], adding = true, open = false, stroke = null, spot = null, asked = false;
let revision = 0, waiting = null, unsent = false;

// --- what it looks like
function draw() {
  asked = false;
  if (!mask) return;
  drawMask(context, under, mask, width, height, open ? TINT : 0);
  const pen = width / (canvas.clientWidth || width);
  if (open && spot) drawBrush(context, spot, radius(), spot.alt ? !adding : adding, pen);
}

function redraw() {
  if (!asked) requestAnimationFrame(draw);
  asked = true;
}

function tell() {
  for (const input of Object.values(slider)) input.nextElementSibling.textContent = `${input.value} %`;
  find(".add").setAttribute("aria-pressed", adding);
  find(".remove").setAttribute("aria-pressed", !adding);
  find(".undo").setAttribute("aria-disabled", !past.length);
  find(".fix").hidden = !mask;
  find(".fix").setAttribute("aria-expanded", open);
  find(".tools").hidden = !open;
  find(".spir-cutting").classList.toggle("open", open);
  canvas.hidden = !mask;
  canvas.tabIndex = open ? 0 : -1;
  canvas.setAttribute("role", open ? "application" : "img");
  const says = "Your photo, all but the object dimmed";
  canvas.setAttribute("aria-label", open ? `${says}. Arrows move the brush, Space paints` : says);
  redraw();
}

// --- painting
const radius = () => Math.max(0.5, (slider.size.value * Math.max(width, height)) / 200);

const stamp = (from, to) => paintLine(mask, width, height, from, to, radius(), stroke.value);

function remember() {
  past.push(mask.slice());
  if (past.length > DEEP) past.shift();
}

function begin(swap) {
  remember();
  stroke = { value: adding === swap ? 0 : 1 };
  stamp(spot, spot);
  redraw();
}

function move(to) {
  if (stroke) stamp(spot || to, to);
  spot = to;
  redraw();
}

// What changed nothing is neither sent nor undone.
function settle() {
  const before = past[past.length - 1];
  if (mask.every((inside, i) => inside === before[i])) past.pop();
  else send();
  tell();
}

function end() {
  if (!stroke) return;
  stroke = null;
  settle();
}

function become(next) {
  end();
  remember();
  mask = next.slice();
  settle();
}

function undo() {
  end();
  if (!past.length) return;
  mask = past.pop();
  send();
  tell();
}

// --- to and from the server
// One question at a time: the answer takes the place of the value, and would take that of a later question.
function send() {
  unsent = waiting !== null;
  if (unsent) return;
  revision += 1;
  waiting = setTimeout(answered, PATIENCE);
  props.value = { run, mask: asPng(mask, width, height), margin: slider.margin.value / 100, revision, edited: true };
  trigger("input");
}

// The object looked for anew by another segmenter; strokes that are on their way no longer matter.
function recut() {
  clearTimeout(waiting);
  unsent = false;
  revision += 1;
  waiting = setTimeout(answered, PATIENCE);
  props.value = { run, by: find(".by").value, revision, edited: true };
  trigger("input");
}

function answered() {
  clearTimeout(waiting);
  waiting = null;
  if (unsent) send();
}

function say(value) {
  const note = find(".spir-note");
  note.textContent = value.note || "";
  note.classList.toggle("failed", Boolean(value.failed));
  if (value.input) find(".input").src = value.input;
  find(".input").hidden = !mask;
}

function empty() {
  run = under = mask = automatic = spot = stroke = null;
  past = [];
  open = unsent = false;
  clearTimeout(waiting);
  waiting = null;
  find(".input").removeAttribute("src");
}

async function arrive(value) {
  empty();
  run = value.run;
  const loading = [pixels(value.photo), solid(value.mask), solid(value.auto)];
  const [photo, painted, found] = await Promise.all(loading);
  // Meanwhile there may be another photo.
  if (run !== value.run) return;
  [under, mask, automatic] = [photo.data, painted, found];
  [width, height] = [canvas.width, canvas.height] = [photo.width, photo.height];
  canvas.style.setProperty("--ratio", width / height);
  slider.margin.value = Math.round(100 * value.margin);
  find(".by").replaceChildren(...(value.ways || []).map(([name, label]) => new Option(label, name)));
  find(".by").value = value.by;
  open = Boolean(value.open);
  say(value);
  tell();
}

function take() {
  const value = props.value || {};
  if (value.edited) return;
  if (value.photo) return arrive(value);
  if (value.blank) {
    empty();
    say(value);
    return tell();
  }
  if (value.run !== run || value.revision !== revision) return;
  if (mask) say(value);
  answered();
}

// --- hands
function place(event) {
  const box = canvas.getBoundingClientRect();
  const x = ((event.clientX - box.left) * width) / box.width, y = ((event.clientY - box.top) * height) / box.height;
  return { x, y, alt: event.altKey };
}

canvas.addEventListener("pointerdown", (event) => {
  if (!open || !event.isPrimary || event.button) return;
  event.preventDefault();
  canvas.focus({ preventScroll: true });
  canvas.setPointerCapture(event.pointerId);
  spot = place(event);
  begin(event.altKey);
});
canvas.addEventListener("pointermove", (event) => {
  if (!open || !event.isPrimary) return;
  const way = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  (way.length ? way : [event]).forEach((step) => move(place(step)));
});
["pointerup", "pointercancel", "blur"].forEach((name) => canvas.addEventListener(name, end));
["pointerleave", "blur"].forEach((name) => canvas.addEventListener(name, () => {
  if (!stroke) spot = null;
  redraw();
}));

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function where() {
  const [x, y] = [spot.x / width, spot.y / height].map((part) => Math.round(100 * part));
  const i = Math.min(height - 1, Math.floor(spot.y)) * width + Math.min(width - 1, Math.floor(spot.x));
  find(".where").textContent = `Brush at ${x} % across, ${y} % down: ${mask[i] ? "object" : "not the object"}.`;
}

canvas.addEventListener("keydown", (event) => {
  const way = WAYS[event.key], resize = { "+": 1, "=": 1, "-": -1 }[event.key];
  if (!open || event.ctrlKey || event.metaKey || !(way || resize || event.key === " ")) return;
  event.preventDefault();
  spot = spot || { x: width / 2, y: height / 2 };
  if (resize) {
    slider.size.value = Number(slider.size.value) + resize;
    return tell();
  }
  if (way) {
    const step = Math.max(1, event.shiftKey ? 1 : radius() / 2);
    const inside = (value, most) => Math.max(0, Math.min(most, value));
    move({ x: inside(spot.x + step * way[0], width), y: inside(spot.y + step * way[1], height), alt: event.altKey });
  } else if (!stroke) begin(event.altKey);
  where();
});
canvas.addEventListener("keyup", (event) => event.key === " " && end());
element.addEventListener("keydown", (event) => {
  if (!open || event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
  event.preventDefault();
  undo();
});

const press = (selector, act) => find(selector).addEventListener("click", () => (act(), tell()));
press(".fix", () => (open = !open));
press(".add", () => (adding = true));
press(".remove", () => (adding = false));
press(".undo", undo);
press(".automatic", () => become(automatic));
press(".whole", () => become(new Uint8Array(mask.length).fill(1)));
press(".clear", () => become(new Uint8Array(mask.length)));
Object.values(slider).forEach((input) => input.addEventListener("input", tell));
slider.margin.addEventListener("change", send);
find(".by").addEventListener("change", recut);
spir.on("renamed", element, ({ from, to }) => {
  if (run === from && to) run = to;
});
watch("value", take);
tell();
take();
