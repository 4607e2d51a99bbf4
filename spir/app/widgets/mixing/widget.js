// The grid of blends: which one is picked is known here alone, until the visitor presses "use".
const SIDE = 3;
const MOVES = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -SIDE, ArrowDown: SIDE };

const cellOf = (index) => [Math.floor(index / SIDE), index % SIDE];

const find = (selector) => element.querySelector(selector);
const buttons = Array.from(element.querySelectorAll(".grid button"));
let run = null, picked = null, second = null;

function showPicture(image, source) {
  image.hidden = !source;
  if (source) image.src = source;
  else image.removeAttribute("src");
}

// `choice` is what Python will be told; `pressed` is the button of its cell, none for the sliders.
function pick(choice, source, caption, pressed) {
  picked = choice;
  showPicture(find(".picked img"), source);
  find(".picked figcaption").textContent = caption;
  buttons.forEach((button) => button.setAttribute("aria-pressed", String(button === pressed)));
  find(".use").disabled = !choice;
}

const pickNothing = () => pick(null, null, "Picked", null);

function clear(value) {
  run = value.run;
  if (value.second !== undefined) second = value.second;
  showPicture(find(".second img"), second);
  buttons.forEach((button) => {
    button.disabled = true;
    showPicture(button.querySelector("img"), null);
  });
  pickNothing();
}

function fillGrid(pictures) {
  buttons.forEach((button, i) => {
    button.disabled = !pictures[i];
    showPicture(button.querySelector("img"), pictures[i]);
  });
  // A cell that was picked in an earlier grid shows something else now; the sliders' picture is still right.
  if (picked && picked.cell) pickNothing();
}

function receive() {
  const value = props.value;
  // Our own choice comes back here too.
  if (!value || value.cell || value.amounts) return;
  if (value.clear) clear(value);
  run = value.run; // No need to compare: Python stops sending when a photo is replaced.
  if (value.note !== undefined) find(".spir-note").textContent = value.note;
  if (value.cells) fillGrid(value.cells);
  if (value.live) pick({ run, amounts: value.live.amounts }, value.live.picture, "By the sliders", null);
}

buttons.forEach((button, i) =>
  button.addEventListener("click", () => {
    pick({ run, cell: cellOf(i) }, button.querySelector("img").src, button.getAttribute("aria-label"), button);
  }),
);
find(".grid").addEventListener("keydown", (event) => {
  const from = buttons.indexOf(document.activeElement), to = buttons[from + MOVES[event.key]];
  if (from < 0 || !(event.key in MOVES) || !to) return;
  event.preventDefault();
  to.focus();
});
find(".use").addEventListener("click", () => {
  if (!picked) return;
  props.value = picked;
  trigger("input");
});
watch("value", receive);
receive();
