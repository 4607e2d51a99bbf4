// A strip of pictures; a click asks Python for that example.
const find = (selector) => element.querySelector(selector);
let built = false;

function choose(button, example) {
  element.querySelectorAll("button").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
  find(".why").textContent = example.failure || "";
  props.value = { chosen: example.name };
  trigger("input");
}

function exampleButton(example) {
  const button = document.createElement("button"), image = document.createElement("img");
  button.type = "button";
  button.title = example.title;
  button.setAttribute("aria-pressed", "false");
  button.classList.toggle("fails", Boolean(example.failure));
  image.src = example.picture;
  image.alt = example.alt;
  image.width = 96;
  image.height = 72;
  button.append(image);
  button.addEventListener("click", () => choose(button, example));
  return button;
}

function receive() {
  const value = props.value || {};
  // The example that the page opened with is now the visitor's own run: the other widgets learn its key from here.
  if (value.renamed) spir.say("renamed", value.renamed);
  if (built || !value.examples) return;
  built = true;
  find(".spir-note").textContent = value.note || "";
  find(".strip").replaceChildren(...value.examples.map(exampleButton));
}

watch("value", receive);
receive();
