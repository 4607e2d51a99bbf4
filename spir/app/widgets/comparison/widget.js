// Three steps of the run that the timeline holds, side by side and on one axis of seconds.
const NAMESPACE = "http://www.w3.org/2000/svg", LEFT = 10, RIGHT = 590;

const number = (value, digits) => (typeof value === "number" ? value.toFixed(digits) : "–");

// Where a step stands on the axis; near an end its label is aligned inwards, so that it stays inside the picture.
function axisPlace(seconds, lastSeconds) {
  const x = LEFT + ((RIGHT - LEFT) * seconds) / lastSeconds;
  return { x, anchor: x > RIGHT - 60 ? "end" : x < LEFT + 60 ? "start" : "middle" };
}

const find = (selector) => element.querySelector(selector);

function fillCard(card, frame) {
  const image = card.querySelector("img");
  image.hidden = !frame;
  card.querySelector(".blank").hidden = Boolean(frame);
  if (frame) image.src = frame.render;
  card.querySelector(".psnr").textContent = frame ? `${number(frame.psnr, 1)} dB` : "–";
  card.querySelector(".distance").textContent = number(frame && frame.distance, 3);
  card.querySelector(".iou").textContent = number(frame && frame.iou, 3);
  card.querySelector(".seconds").textContent = frame ? `${number(frame.seconds, 1)} s` : "–";
}

function svgElement(tag, attributes) {
  const made = document.createElementNS(NAMESPACE, tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  return made;
}

function axisMark(frame, lastSeconds) {
  const { x, anchor } = axisPlace(frame.seconds, lastSeconds);
  const dot = svgElement("circle", { cx: x, cy: 22, r: 6, fill: "currentColor" });
  const label = svgElement("text", { x, y: 42, "text-anchor": anchor, "font-size": 13, fill: "currentColor" });
  label.textContent = `${frame.step}: ${number(frame.seconds, 1)} s`;
  return [dot, label];
}

spir.on("steps", element, ({ frames }) => {
  const cards = [...element.querySelectorAll(".spir-card")];
  const compared = cards.map((card) => frames.find((frame) => frame.step === Number(card.dataset.step)));
  cards.forEach((card, i) => fillCard(card, compared[i]));
  const known = compared.filter(Boolean);
  const lastSeconds = Math.max(...known.map((frame) => frame.seconds), 1e-9); // Never a division by zero.
  find(".marks").replaceChildren(...known.flatMap((frame) => axisMark(frame, lastSeconds)));
  const description = known.map((frame) => `${frame.step} steps at ${number(frame.seconds, 1)} seconds`).join(", ");
  find("svg").setAttribute("aria-label", description || "When each was there");
});

function receive() {
  find(".spir-note").textContent = (props.value || {}).note || "";
}
watch("value", receive);
receive();
