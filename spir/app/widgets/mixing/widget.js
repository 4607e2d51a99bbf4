// The grid of blends: which one is looked at is known here alone, until it shall be used.
const find = (selector) => element.querySelector(selector);
const cells = Array.from(element.querySelectorAll(".grid button"));
const SIDE = 3;
let run = null, picked = null, second = null;

function picture(image, source) {
  image.hidden = !source;
  if (source) image.src = source;
  else image.removeAttribute("src");
}

// `choice` goes to the server as it is; `cell` is its button, or none for the sliders.
function pick(choice, source, words, cell) {
  picked = choice;
  picture(find(".picked img"), source);
  find(".picked figcaption").textContent = words;
  cells.forEach((button) => button.setAttribute("aria-pressed", String(button === cell)));
  find(".use").disabled = !choice;
}

function clear(value) {
  run = value.run;
  if (value.second !== undefined) second = value.second;
  picture(find(".second img"), second);
  cells.forEach((button) => {
    button.disabled = true;
    picture(button.querySelector("img"), null);
  });
  pick(null, null, "Picked", null);
}

function fill(pictures) {
  cells.forEach((button, i) => {
    button.disabled = !pictures[i];
    picture(button.querySelector("img"), pictures[i]);
  });
  // What was picked in an earlier grid is not in this one.
  const chosen = picked && picked.cell ? picked.cell[0] * SIDE + picked.cell[1] : -1;
  if (chosen >= 0) pick(null, null, "Picked", null);
}

function take() {
  const value = props.value;
  // Our own choice comes back here too.
  if (!value || value.cell || value.amounts) return;
  if (value.clear) clear(value);
  run = value.run; // The server stops of itself when a photo is replaced.
  if (value.note !== undefined) find(".spir-note").textContent = value.note;
  if (value.cells) fill(value.cells);
  if (value.live) pick({ run, amounts: value.live.amounts }, value.live.picture, "By the sliders", null);
}

cells.forEach((button, i) =>
  button.addEventListener("click", () => {
    const cell = [Math.floor(i / SIDE), i % SIDE];
    pick({ run, cell }, button.querySelector("img").src, button.getAttribute("aria-label"), button);
  }),
);
find(".grid").addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -SIDE, ArrowDown: SIDE };
  const here = cells.indexOf(document.activeElement), to = cells[here + moves[event.key]];
  if (here < 0 || !(event.key in moves) || !to) return;
  event.preventDefault();
  to.focus();
});
find(".use").addEventListener("click", () => {
  if (!picked) return;
  props.value = picked;
  trigger("input");
});
watch("value", take);
take();
