// The verdict: a sentence, an icon (by CSS, from the level), the reasons, one advice.
const find = (selector) => element.querySelector(selector);

function listItem(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}

function receive() {
  const value = props.value || {};
  find(".spir-gauge").dataset.level = value.level || "";
  find(".line").textContent = value.line || "";
  find(".action").textContent = value.action || "";
  find(".action").hidden = !value.action;
  find(".reasons").replaceChildren(...(value.reasons || []).map(listItem));
}
watch("value", receive);
receive();
