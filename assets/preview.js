// The cut-out panel: two pictures and a sentence.
const find = (selector) => element.querySelector(selector);

function picture(image, source) {
  image.hidden = !source;
  if (source) image.src = source;
  else image.removeAttribute("src");
}

function take() {
  const value = props.value || {};
  picture(find(".overlay"), value.overlay);
  picture(find(".input"), value.input);
  const note = find(".spir-note");
  note.textContent = value.note || "";
  note.classList.toggle("failed", Boolean(value.failed));
}

watch("value", take);
take();
