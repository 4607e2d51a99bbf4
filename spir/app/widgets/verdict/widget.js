// The verdict: a word, an icon (by style), the reasons, one action.
const find = (selector) => element.querySelector(selector);
function take() {
  const value = props.value || {};
  find(".spir-gauge").dataset.level = value.level || "";
  find(".line").textContent = value.line || "";
  find(".action").textContent = value.action || "";
  find(".action").hidden = !value.action;
  find(".reasons").replaceChildren(
    ...(value.reasons || []).map((reason) => {
      const item = document.createElement("li");
      item.textContent = reason;
      return item;
    }),
  );
}
watch("value", take);
take();
