// Views all round the object, painted from the weights of their colours: drag, or arrow keys. The server is not asked.
const turn = element.querySelector(".turn");
const canvas = element.querySelector("canvas");
const UNSEEN = 100; // Degrees from the photo's side beyond which a view shows what the photo did not.
const PULL = 4; // Pixels that a pointer may move and still be a click.
let run = "", shape = { values: 0, side: 0, frames: 0 }, views = [], palette = null, queue = Promise.resolve();
let index = 0, startX = null, startIndex = 0, moved = false, asked = false;

const angle = () => Math.round((360 * index) / shape.frames);

// While they still come, the nearest one that is there.
function nearest() {
  const apart = (i) => Math.min(Math.abs(i - index), shape.frames - Math.abs(i - index));
  return views.reduce((best, _, i) => (apart(i) < apart(best) ? i : best), 0);
}

function show() {
  const empty = views.length === 0 || !palette;
  canvas.hidden = empty;
  element.querySelector(".blank").hidden = !empty;
  element.querySelectorAll("button").forEach((button) => (button.disabled = empty));
  turn.setAttribute("aria-disabled", String(empty));
  turn.setAttribute("aria-busy", String(views.length < shape.frames));
  if (empty) {
    element.querySelector(".guess").hidden = true;
    turn.setAttribute("aria-valuetext", "No object yet");
    return;
  }
  index = ((index % shape.frames) + shape.frames) % shape.frames;
  spir.paint(canvas, views[nearest()], palette);
  const degrees = angle();
  const away = Math.min(degrees, 360 - degrees);
  const words = degrees === 0 ? "The photo's side" : `${away}° from the photo's side`;
  const unseen = away > UNSEEN;
  element.querySelector(".guess").hidden = !unseen;
  element.querySelector(".angle").textContent = words;
  turn.setAttribute("aria-valuenow", degrees);
  turn.setAttribute("aria-valuetext", unseen ? `${words}, a guess` : words);
}

function end() {
  startX = null;
  turn.classList.remove("held");
}

turn.addEventListener("pointerdown", (event) => {
  if (!views.length) return;
  startX = event.clientX;
  startIndex = index;
  moved = false;
  turn.setPointerCapture(event.pointerId);
  turn.classList.add("held");
});
turn.addEventListener("pointermove", (event) => {
  if (startX === null) return;
  moved = moved || Math.abs(event.clientX - startX) > PULL;
  index = startIndex - Math.round(((event.clientX - startX) / turn.clientWidth) * shape.frames * 0.75);
  show();
});
turn.addEventListener("pointerup", (event) => {
  if (startX !== null && !moved) pick(event);
  end();
});
turn.addEventListener("pointercancel", end);

// A click asks which colour it was.
function pick(event) {
  const box = canvas.getBoundingClientRect();
  const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
  if (x < 0 || x >= 1 || y < 0 || y >= 1) return;
  const entry = spir.entryAt(views[nearest()], x, y);
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
element.querySelector(".home").addEventListener("click", () => {
  index = 0;
  show();
});
element.querySelector(".save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = canvas.toDataURL("image/png");
  link.download = `view-${angle()}.png`;
  link.click();
});

// A poster has the photo's side alone: whoever wants to turn it gets the rest.
function want() {
  if (!(props.value || {}).more || asked) return;
  asked = true;
  trigger("input");
}
for (const name of ["pointerenter", "pointerdown", "focus"]) turn.addEventListener(name, want);

// Parts are read one after the other: they arrive in order, and must stay so.
function read(parts, whose) {
  for (const part of parts)
    queue = queue.then(async () => {
      if (whose !== shape) return;
      const read = await spir.unpack(part, shape.values, shape.side);
      if (whose !== shape) return;
      views.push(...read);
      show();
    });
}

function take() {
  const value = props.value || {};
  if (value.clear) {
    if (value.run !== run) index = 0;
    run = value.run;
    asked = false;
    shape = { values: value.values, side: value.side, frames: value.frames };
    views = [];
    element.querySelector(".blank").textContent = value.note || "";
    element.querySelector(".angle").textContent = "Drag it, or use the arrow keys.";
    show();
  } else if (value.run !== run) return;
  read(value.parts || [], shape);
}

spir.on("palette", element, (said) => {
  if (said.run !== run && said.run !== (props.value || {}).run) return;
  palette = said.colours;
  show();
});
spir.on("renamed", element, ({ from, to }) => {
  if (run === from && to) run = to;
});
watch("value", take);
take();
