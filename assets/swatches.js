// One colour field per palette entry. Every change is sent; the server answers with new views.
const fields = element.querySelector(".spir-fields");
const reset = element.querySelector(".reset");
let run = null, original = [];

const inputs = () => Array.from(fields.querySelectorAll("input"));

function send() {
  const colours = inputs().map((input) => input.value);
  reset.hidden = colours.every((colour, i) => colour === original[i]);
  props.value = { ...props.value, colours };
  trigger("input");
}

function build(names, colours) {
  fields.replaceChildren(
    ...names.map((name, i) => {
      const label = document.createElement("label");
      const input = document.createElement("input");
      input.type = "color";
      input.value = colours[i];
      input.addEventListener("input", send);
      label.append(input, document.createTextNode(name));
      return label;
    }),
  );
}

function take() {
  const value = props.value || {};
  element.querySelector(".spir-note").textContent = value.note || "";
  // Our own change comes back here too, and a picker that is open must not be rebuilt.
  if (value.run === run && inputs().length === (value.names || []).length) return;
  run = value.run;
  original = value.colours || [];
  reset.hidden = true;
  build(value.names || [], original);
}

reset.addEventListener("click", () => {
  inputs().forEach((input, i) => (input.value = original[i]));
  send();
});
watch("value", take);
take();
