// Views all round the object, painted from weights in the visitor's colours: drag, or arrow keys. No server is asked.
const GUESS_DEGREES = 100; // Further from the photo's side a view shows what the photo did not.
const CLICK_PIXELS = 4; // A pointer may move so far and still be a click.
const TURNS_PER_WIDTH = 0.75; // Of the object, for a drag across the widget.

const wrapIndex = (index, frames) => ((index % frames) + frames) % frames;

const degreesOf = (index, frames) => Math.round((360 * index) / frames);

const indexAfterDrag = (startIndex, pixels, width, frames) =>
  startIndex - Math.round((pixels / width) * frames * TURNS_PER_WIDTH);

// While views still come, the nearest of the `count` that are there; the circle is closed.
function nearestView(index, count, frames) {
  const distance = (i) => Math.min(Math.abs(i - index), frames - Math.abs(i - index));
  let best = 0;
  for (let i = 1; i < count; i++) if (distance(i) < distance(best)) best = i;
  return best;
}

function describeAngle(degrees) {
  const away = Math.min(degrees, 360 - degrees);
  const words = degrees === 0 ? "The photo's side" : `${away}° from the photo's side`;
  return { words, guessed: away > GUESS_DEGREES };
}

const find = (selector) => element.querySelector(selector);
const turn = find(".turn"), canvas = find("canvas");
let run = "", shape = { values: 0, side: 0, frames: 0 }, views = [], palette = null;
let index = 0, dragX = null, dragIndex = 0, dragged = false, moreRequested = false;
let reading = Promise.resolve();

function show() {
  const empty = views.length === 0 || !palette;
  canvas.hidden = empty;
  find(".blank").hidden = !empty;
  element.querySelectorAll("button").forEach((button) => (button.disabled = empty));
  turn.setAttribute("aria-disabled", String(empty));
  turn.setAttribute("aria-busy", String(views.length < shape.frames));
  if (empty) {
    find(".guess").hidden = true;
    turn.setAttribute("aria-valuetext", "No object yet");
    return;
  }
  index = wrapIndex(index, shape.frames);
  spir.paint(canvas, views[nearestView(index, views.length, shape.frames)], palette);
  const degrees = degreesOf(index, shape.frames), { words, guessed } = describeAngle(degrees);
  find(".guess").hidden = !guessed;
  find(".angle").textContent = words;
  turn.setAttribute("aria-valuenow", degrees);
  turn.setAttribute("aria-valuetext", guessed ? `${words}, a guess` : words);
}

function endDrag() {
  dragX = null;
  turn.classList.remove("held");
}

turn.addEventListener("pointerdown", (event) => {
  if (!views.length) return;
  dragX = event.clientX;
  dragIndex = index;
  dragged = false;
  turn.setPointerCapture(event.pointerId);
  turn.classList.add("held");
});
turn.addEventListener("pointermove", (event) => {
  if (dragX === null) return;
  const pixels = event.clientX - dragX;
  dragged = dragged || Math.abs(pixels) > CLICK_PIXELS;
  index = indexAfterDrag(dragIndex, pixels, turn.clientWidth, shape.frames);
  show();
});
turn.addEventListener("pointerup", (event) => {
  if (dragX !== null && !dragged) pickColour(event);
  endDrag();
});
turn.addEventListener("pointercancel", endDrag);

// A click finds the colour field of the clicked place.
function pickColour(event) {
  const box = canvas.getBoundingClientRect();
  const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
  if (x < 0 || x >= 1 || y < 0 || y >= 1) return;
  const entry = spir.entryAt(views[nearestView(index, views.length, shape.frames)], x, y);
  if (entry >= 0) spir.say("picked colour", { run, entry });
}

turn.addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
  if (event.key in moves) index += moves[event.key];
  else if (event.key === "Home") index = 0;
  else return;
  event.preventDefault();
  if (views.length) show();
});
find(".home").addEventListener("click", () => {
  index = 0;
  show();
});
find(".save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = canvas.toDataURL("image/png");
  link.download = `view-${degreesOf(index, shape.frames)}.png`;
  link.click();
});

// The page opens with the photo's side alone; the rest is asked for, once, when somebody is about to turn it.
function requestMore() {
  if (!(props.value || {}).more || moreRequested) return;
  moreRequested = true;
  trigger("input");
}
for (const name of ["pointerenter", "pointerdown", "focus"]) turn.addEventListener(name, requestMore);

// Parts are read one after the other, because a view's place in `views` is its angle. `expected` is the shape for
// which they were sent: a new one means that another object has come meanwhile.
function readParts(parts, expected) {
  for (const part of parts)
    reading = reading.then(async () => {
      if (expected !== shape) return;
      const more = await spir.loadViews(part, expected.values, expected.side);
      if (expected !== shape) return;
      views.push(...more);
      show();
    });
}

function receive() {
  const value = props.value || {};
  if (value.clear) {
    if (value.run !== run) index = 0;
    run = value.run;
    moreRequested = false;
    shape = { values: value.values, side: value.side, frames: value.frames };
    views = [];
    find(".blank").textContent = value.note || "";
    find(".angle").textContent = "Drag it, or use the arrow keys.";
    show();
  } else if (value.run !== run) return;
  readParts(value.parts || [], shape);
}

spir.on("palette", element, (message) => {
  // The palette of a run may come before its views.
  if (message.run !== run && message.run !== (props.value || {}).run) return;
  palette = message.colours;
  show();
});
// The example that the page opened with has become the visitor's own run, under another key.
spir.on("renamed", element, ({ from, to }) => {
  if (run === from && to) run = to;
});
watch("value", receive);
receive();
