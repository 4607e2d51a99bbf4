// Three steps of the run that the timeline keeps, on one axis of seconds.
const find = (selector) => element.querySelector(selector);
const NAMESPACE = "http://www.w3.org/2000/svg", LEFT = 10, RIGHT = 590;
const number = (value, digits) => (typeof value === "number" ? value.toFixed(digits) : "–");

function fill(card, frame) {
  const image = card.querySelector("img");
  image.hidden = !frame;
  card.querySelector(".blank").hidden = Boolean(frame);
  if (frame) image.src = frame.render;
  card.querySelector(".psnr").textContent = frame ? `${number(frame.psnr, 1)} dB` : "–";
  card.querySelector(".distance").textContent = number(frame && frame.distance, 3);
  card.querySelector(".iou").textContent = number(frame && frame.iou, 3);
  card.querySelector(".seconds").textContent = frame ? `${number(frame.seconds, 1)} s` : "–";
}

function mark(frame, last) {
  const x = LEFT + ((RIGHT - LEFT) * frame.seconds) / last;
  const dot = document.createElementNS(NAMESPACE, "circle"), text = document.createElementNS(NAMESPACE, "text");
  Object.entries({ cx: x, cy: 22, r: 6, fill: "currentColor" }).forEach(([name, value]) => dot.setAttribute(name, value));
  const anchor = x > RIGHT - 60 ? "end" : x < LEFT + 60 ? "start" : "middle";
  Object.entries({ x, y: 42, "text-anchor": anchor, "font-size": 13, fill: "currentColor" }).forEach(([name, value]) =>
    text.setAttribute(name, value),
  );
  text.textContent = `${frame.step}: ${number(frame.seconds, 1)} s`;
  return [dot, text];
}

spir.on("steps", element, ({ frames }) => {
  const cards = [...element.querySelectorAll(".spir-card")];
  const there = cards.map((card) => frames.find((frame) => frame.step === Number(card.dataset.step)));
  cards.forEach((card, i) => fill(card, there[i]));
  const known = there.filter(Boolean), last = Math.max(...known.map((frame) => frame.seconds), 1e-9);
  find(".marks").replaceChildren(...known.flatMap((frame) => mark(frame, last)));
  const told = known.map((frame) => `${frame.step} steps at ${number(frame.seconds, 1)} seconds`).join(", ");
  find("svg").setAttribute("aria-label", told || "When each was there");
});

function take() {
  find(".spir-note").textContent = (props.value || {}).note || "";
}
watch("value", take);
take();
