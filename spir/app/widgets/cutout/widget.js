// The cut-out: the photo under its mask, a brush for it, and what the networks see. Each change sends the whole mask.
const TINT = 0.3, UNDO_STEPS = 20, ANSWER_TIMEOUT_MS = 8000;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// `percent` is the brush's diameter as part of the photo's longer side; the result is in pixels of the mask.
const brushRadius = (percent, width, height) => Math.max(0.5, (percent * Math.max(width, height)) / 200);

const clamp = (value, most) => Math.max(0, Math.min(most, value));

const find = (selector) => element.querySelector(selector);
const canvas = find("canvas"), context = canvas.getContext("2d", { willReadFrequently: true });
const slider = { size: find(".size"), margin: find(".margin") };
let run = null, width = 1, height = 1, photo = null, mask = null, automatic = null;
let history = [], adding = true, open = false, stroke = null, cursor = null, drawRequested = false;
let revision = 0, timeout = null, unsent = false;

// --- how it looks
function draw() {
  drawRequested = false;
  if (!mask) return;
  drawMask(context, photo, mask, width, height, open ? TINT : 0);
  const screenPixel = width / (canvas.clientWidth || width);
  if (open && cursor) drawBrush(context, cursor, radius(), cursor.alt ? !adding : adding, screenPixel);
}

// Pointer events come more often than frames.
function requestDraw() {
  if (!drawRequested) requestAnimationFrame(draw);
  drawRequested = true;
}

function updateControls() {
  for (const input of Object.values(slider)) input.nextElementSibling.textContent = `${input.value} %`;
  find(".add").setAttribute("aria-pressed", adding);
  find(".remove").setAttribute("aria-pressed", !adding);
  find(".undo").setAttribute("aria-disabled", !history.length);
  find(".fix").hidden = !mask;
  find(".fix").setAttribute("aria-expanded", open);
  find(".tools").hidden = !open;
  find(".spir-cutting").classList.toggle("open", open);
  canvas.hidden = !mask;
  canvas.tabIndex = open ? 0 : -1;
  canvas.setAttribute("role", open ? "application" : "img");
  const label = "Your photo, all but the object dimmed";
  canvas.setAttribute("aria-label", open ? `${label}. Arrows move the brush, Space paints` : label);
  requestDraw();
}

// --- painting
const radius = () => brushRadius(slider.size.value, width, height);

const paintStroke = (from, to) => paintLine(mask, width, height, from, to, radius(), stroke.value);

function remember() {
  history.push(mask.slice());
  if (history.length > UNDO_STEPS) history.shift();
}

// `swap`: for this stroke, add removes and remove adds.
function beginStroke(swap) {
  remember();
  stroke = { value: adding === swap ? 0 : 1 };
  paintStroke(cursor, cursor);
  requestDraw();
}

function moveCursor(to) {
  if (stroke) paintStroke(cursor || to, to);
  cursor = to;
  requestDraw();
}

// What changed nothing is neither sent nor undone.
function finishChange() {
  if (sameMask(mask, history[history.length - 1])) history.pop();
  else send();
  updateControls();
}

function endStroke() {
  if (!stroke) return;
  stroke = null;
  finishChange();
}

function replaceMask(next) {
  endStroke();
  remember();
  mask = next.slice();
  finishChange();
}

function undo() {
  endStroke();
  if (!history.length) return;
  mask = history.pop();
  send();
  updateControls();
}

// --- to and from Python
// `edited` marks a value as the browser's own, which `receive` must not take for an answer. Without an answer in time
// the next request may go out.
function request(fields) {
  revision += 1;
  timeout = setTimeout(requestDone, ANSWER_TIMEOUT_MS);
  props.value = { run, ...fields, revision, edited: true };
  trigger("input");
}

// One request at a time: the answer replaces the value, and would replace that of a later request too.
function send() {
  unsent = timeout !== null;
  if (unsent) return;
  request({ mask: maskToPng(mask, width, height), margin: slider.margin.value / 100 });
}

// The object is looked for anew by another segmenter; strokes that wait for an answer no longer matter.
function segmentAgain() {
  clearTimeout(timeout);
  unsent = false;
  request({ by: find(".by").value });
}

function requestDone() {
  clearTimeout(timeout);
  timeout = null;
  if (unsent) send();
}

function showNote(value) {
  const note = find(".spir-note");
  note.textContent = value.note || "";
  note.classList.toggle("failed", Boolean(value.failed));
  if (value.input) find(".input").src = value.input;
  find(".input").hidden = !mask;
}

function clear() {
  run = photo = mask = automatic = cursor = stroke = null;
  history = [];
  open = unsent = false;
  clearTimeout(timeout);
  timeout = null;
  find(".input").removeAttribute("src");
}

async function showPhoto(value) {
  clear();
  run = value.run;
  const loading = [imagePixels(value.photo), readMask(value.mask), readMask(value.auto)];
  const [pixels, current, segmented] = await Promise.all(loading);
  // Another photo may have come while this one loaded.
  if (run !== value.run) return;
  [photo, mask, automatic] = [pixels.data, current, segmented];
  [width, height] = [canvas.width, canvas.height] = [pixels.width, pixels.height];
  canvas.style.setProperty("--ratio", width / height);
  slider.margin.value = Math.round(100 * value.margin);
  find(".by").replaceChildren(...(value.ways || []).map(([name, label]) => new Option(label, name)));
  find(".by").value = value.by;
  open = Boolean(value.open);
  showNote(value);
  updateControls();
}

function receive() {
  const value = props.value || {};
  if (value.edited) return;
  if (value.photo) return showPhoto(value);
  if (value.blank) {
    clear();
    showNote(value);
    return updateControls();
  }
  // The answer to an earlier request, or to another photo's.
  if (value.run !== run || value.revision !== revision) return;
  if (mask) showNote(value);
  requestDone();
}

// --- pointer and keyboard
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
  cursor = place(event);
  beginStroke(event.altKey);
});
canvas.addEventListener("pointermove", (event) => {
  if (!open || !event.isPrimary) return;
  // All places since the last event: a fast stroke stays a curve.
  const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  (events.length ? events : [event]).forEach((each) => moveCursor(place(each)));
});
["pointerup", "pointercancel", "blur"].forEach((name) => canvas.addEventListener(name, endStroke));
["pointerleave", "blur"].forEach((name) => canvas.addEventListener(name, () => {
  if (!stroke) cursor = null;
  requestDraw();
}));

function describeCursor() {
  const [x, y] = [cursor.x / width, cursor.y / height].map((part) => Math.round(100 * part));
  const i = Math.min(height - 1, Math.floor(cursor.y)) * width + Math.min(width - 1, Math.floor(cursor.x));
  find(".where").textContent = `Brush at ${x} % across, ${y} % down: ${mask[i] ? "object" : "not the object"}.`;
}

canvas.addEventListener("keydown", (event) => {
  const direction = MOVES[event.key], resize = { "+": 1, "=": 1, "-": -1 }[event.key];
  if (!open || event.ctrlKey || event.metaKey || !(direction || resize || event.key === " ")) return;
  event.preventDefault();
  cursor = cursor || { x: width / 2, y: height / 2 };
  if (resize) {
    slider.size.value = Number(slider.size.value) + resize;
    return updateControls();
  }
  if (direction) {
    const step = Math.max(1, event.shiftKey ? 1 : radius() / 2);
    const [x, y] = [clamp(cursor.x + step * direction[0], width), clamp(cursor.y + step * direction[1], height)];
    moveCursor({ x, y, alt: event.altKey });
  } else if (!stroke) beginStroke(event.altKey); // Not again where a held key repeats.
  describeCursor();
});
canvas.addEventListener("keyup", (event) => event.key === " " && endStroke());
element.addEventListener("keydown", (event) => {
  if (!open || event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
  event.preventDefault();
  undo();
});

const onClick = (selector, action) => find(selector).addEventListener("click", () => (action(), updateControls()));
onClick(".fix", () => (open = !open));
onClick(".add", () => (adding = true));
onClick(".remove", () => (adding = false));
onClick(".undo", undo);
onClick(".automatic", () => replaceMask(automatic));
onClick(".whole", () => replaceMask(new Uint8Array(mask.length).fill(1)));
onClick(".clear", () => replaceMask(new Uint8Array(mask.length)));
Object.values(slider).forEach((input) => input.addEventListener("input", updateControls));
slider.margin.addEventListener("change", send);
find(".by").addEventListener("change", segmentAgain);
// The example that the page opened with has become the visitor's own run, under another key.
spir.on("renamed", element, ({ from, to }) => {
  if (run === from && to) run = to;
});
watch("value", receive);
updateControls();
receive();
