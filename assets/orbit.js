// Views all round the object: drag, or arrow keys. The server is not asked.
const turn = element.querySelector(".turn");
const image = element.querySelector("img");
const UNSEEN = 100; // Degrees from the photo's side beyond which a view shows what the photo did not.
let views = [], run = "", index = 0, startX = null, startIndex = 0;

function angle() {
  return Math.round((360 * index) / views.length);
}

function show() {
  const empty = views.length === 0;
  image.hidden = empty;
  element.querySelector(".blank").hidden = !empty;
  element.querySelector(".home").disabled = empty;
  turn.setAttribute("aria-disabled", String(empty));
  if (empty) {
    image.removeAttribute("src");
    element.querySelector(".guess").hidden = true;
    turn.setAttribute("aria-valuetext", "No object yet");
    return;
  }
  index = ((index % views.length) + views.length) % views.length;
  image.src = views[index];
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
  turn.setPointerCapture(event.pointerId);
  turn.classList.add("held");
});
turn.addEventListener("pointermove", (event) => {
  if (startX === null) return;
  index = startIndex - Math.round(((event.clientX - startX) / turn.clientWidth) * views.length * 0.75);
  show();
});
turn.addEventListener("pointerup", end);
turn.addEventListener("pointercancel", end);
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

function take() {
  const value = props.value || {};
  views = value.views || [];
  if (value.run !== run) index = 0;
  run = value.run;
  element.querySelector(".blank").textContent = value.note || "";
  if (!views.length) element.querySelector(".angle").textContent = "Drag it, or use the arrow keys.";
  show();
}

watch("value", take);
take();
