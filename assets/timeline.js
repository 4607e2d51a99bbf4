// The steps of one run: kept here, so that scrubbing and playing never ask the server.
const find = (selector) => element.querySelector(selector);
const WIDTH = 600, HEIGHT = 80, EDGE = 4;
let run = null, total = 0, frames = [], timer = null;

function picture(image, source) {
  image.hidden = !source;
  if (source) image.src = source;
  else image.removeAttribute("src");
}

function number(value, digits) {
  return value === null || value === undefined ? "–" : value.toFixed(digits);
}

function plot() {
  const known = frames.filter((frame) => frame.loss !== null);
  const worst = Math.max(...known.map((frame) => frame.loss), 1e-9);
  const last = Math.max(...frames.map((frame) => frame.seconds), 1e-9);
  const at = (frame) => [
    (WIDTH * frame.seconds) / last,
    HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (frame.loss / worst),
  ];
  const points = known.map((frame) => at(frame).map((x) => x.toFixed(1)).join(","));
  find("polyline").setAttribute("points", points.join(" "));
  find(".axis.end").textContent = frames.length ? `seconds (${last.toFixed(1)})` : "seconds";
  return last;
}

function show(index) {
  const frame = frames[Math.max(0, Math.min(frames.length - 1, index))];
  picture(find(".render"), frame && frame.render);
  picture(find(".error"), frame && frame.error);
  find(".step").textContent = frame ? `${frame.step} of ${total}` : "–";
  find(".loss").textContent = frame ? number(frame.loss, 4) : "–";
  find(".iou").textContent = frame ? number(frame.iou, 3) : "–";
  find(".seconds").textContent = frame ? `${number(frame.seconds, 1)} s` : "–";
  const last = plot();
  const x = frame ? (WIDTH * frame.seconds) / last : 0;
  find(".cursor").setAttribute("x1", x);
  find(".cursor").setAttribute("x2", x);
  const scrub = find(".scrub");
  scrub.max = Math.max(0, frames.length - 1);
  scrub.value = frame ? index : 0;
  scrub.disabled = find(".play").disabled = frames.length < 2;
  scrub.setAttribute("aria-valuetext", frame ? `step ${frame.step}` : "no step");
}

function halt() {
  clearInterval(timer);
  timer = null;
  find(".play").textContent = "▶";
  find(".play").setAttribute("aria-label", "Play the steps");
}

function play() {
  if (timer) return halt();
  let index = 0;
  find(".play").textContent = "❚❚";
  find(".play").setAttribute("aria-label", "Pause");
  timer = setInterval(() => {
    show(index);
    index += 1;
    if (index >= frames.length) halt();
  }, 120);
}

function take() {
  const value = props.value;
  if (!value) return;
  if (value.clear) {
    halt();
    run = value.run;
    frames = [];
    total = value.total || 0;
    picture(find(".target"), value.target);
    picture(find(".nocs"), value.nocs);
  } else if (value.run !== run) return;
  if (value.note !== undefined) find(".spir-status").textContent = value.note;
  if (value.state) find(".spir-timeline").dataset.state = value.state;
  // Somebody who looks at an early step is not torn away from it.
  const followed = Number(find(".scrub").value) >= frames.length - 1;
  const fresh = (value.frames || []).filter((frame) => !frames.some((known) => known.step === frame.step));
  frames.push(...fresh);
  if (value.clear || fresh.length) show(followed ? frames.length - 1 : Number(find(".scrub").value));
}

find(".scrub").addEventListener("input", (event) => {
  halt();
  show(Number(event.target.value));
});
find(".play").addEventListener("click", play);
watch("value", take);
take();
