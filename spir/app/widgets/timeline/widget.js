// The steps of one run: kept here, so that scrubbing and playing never ask the server.
const find = (selector) => element.querySelector(selector);
const WIDTH = 600, HEIGHT = 80, EDGE = 4;
const DIGITS = { loss: 4, iou: 3, psnr: 1 };
let run = null, total = 0, used = null, frames = [], timer = null, wrong = null, target = null;

function picture(image, source) {
  image.hidden = !source;
  if (source) image.src = source;
  else image.removeAttribute("src");
}

function number(value, digits) {
  return value === null || value === undefined ? "–" : value.toFixed(digits);
}

function plot() {
  const metric = find(".metric").value;
  const known = frames.filter((frame) => typeof frame[metric] === "number");
  const values = known.map((frame) => frame[metric]);
  const low = metric === "loss" ? 0 : Math.min(...values, Infinity);
  const high = Math.max(...values, low + 1e-9);
  const last = Math.max(...frames.map((frame) => frame.seconds), 1e-9);
  const x = (frame) => (WIDTH * frame.seconds) / last;
  const y = (frame) => HEIGHT - EDGE - ((HEIGHT - 2 * EDGE) * (frame[metric] - low)) / (high - low);
  find("polyline").setAttribute("points", known.map((frame) => `${x(frame).toFixed(1)},${y(frame).toFixed(1)}`).join(" "));
  find(".axis.end").textContent = frames.length ? `seconds (${last.toFixed(1)})` : "seconds";
  const span = values.length ? `, from ${number(values[0], DIGITS[metric])} to ${number(values.at(-1), DIGITS[metric])}` : "";
  find("svg").setAttribute("aria-label", `${find(".metric").selectedOptions[0].text} over seconds${span}`);
  return x;
}

function mark(line, at) {
  line.style.display = at === null ? "none" : "";
  line.setAttribute("x1", at || 0);
  line.setAttribute("x2", at || 0);
}

// Where the two differ, drawn as spir/outputs/panels.py draws it.
async function difference(frame) {
  const canvas = find(".error");
  canvas.hidden = !frame || !wrong || find(".to-error").getAttribute("aria-pressed") !== "true";
  if (canvas.hidden) return;
  const [ours, theirs] = await Promise.all([spir.loaded(frame.render), spir.loaded(target)]);
  canvas.width = theirs.width;
  canvas.height = theirs.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const read = (image) => {
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  };
  const a = read(theirs).data, result = read(ours), b = result.data;
  const steps = wrong.ramp.length - 1;
  for (let i = 0; i < b.length; i += 4) {
    const apart = (Math.abs(a[i] - b[i]) + Math.abs(a[i + 1] - b[i + 1]) + Math.abs(a[i + 2] - b[i + 2])) / 382.5;
    const place = Math.min(1, apart / wrong.worst) * steps;
    const low = Math.min(steps - 1, Math.floor(place)), part = place - low;
    for (let c = 0; c < 3; c++) b[i + c] = wrong.ramp[low][c] * (1 - part) + wrong.ramp[low + 1][c] * part;
  }
  context.putImageData(result, 0, 0);
}

function looked() {
  return frames[Math.max(0, Math.min(frames.length - 1, Number(find(".scrub").value)))];
}

function show(index) {
  const frame = frames[Math.max(0, Math.min(frames.length - 1, index))];
  picture(find(".render"), frame && frame.render);
  const now = used === null || !frame ? "" : frame.step === used ? " (in use)" : "";
  find(".step").textContent = frame ? `${frame.step} of ${total}${now}` : "–";
  for (const [metric, digits] of Object.entries(DIGITS))
    find(`dd.${metric}`).textContent = frame ? number(frame[metric], digits) : "–";
  find(".seconds").textContent = frame ? `${number(frame.seconds, 1)} s` : "–";
  const x = plot(), inUse = frames.find((known) => known.step === used);
  mark(find(".cursor"), frame ? x(frame) : null);
  mark(find(".used"), inUse ? x(inUse) : null);
  const scrub = find(".scrub");
  scrub.max = Math.max(0, frames.length - 1);
  scrub.value = frame ? index : 0;
  scrub.disabled = find(".play").disabled = frames.length < 2;
  scrub.setAttribute("aria-valuetext", frame ? `step ${frame.step}${now}` : "no step");
  difference(frame);
  // Python hears of it with the next event that asks; nothing is sent for it.
  if (frame) props.value = { run, looked_at: frame.step };
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

function begin(value) {
  halt();
  run = value.run;
  frames = [];
  used = null;
  total = value.total || 0;
  target = value.target || null;
  wrong = value.error || null;
  picture(find(".target"), value.target);
  picture(find(".nocs"), value.nocs);
  third(find(".to-nocs").getAttribute("aria-pressed") === "true");
}

// The third picture: the difference, or the first look.
function third(nocs) {
  find(".to-nocs").setAttribute("aria-pressed", String(nocs));
  find(".to-error").setAttribute("aria-pressed", String(!nocs));
  find(".nocs").hidden = !nocs || !find(".nocs").src;
  difference(looked());
}

function take() {
  const value = props.value;
  if (!value || value.looked_at !== undefined) return;
  if (value.clear) begin(value);
  else if (value.run !== run) return;
  if (value.note !== undefined) find(".spir-status").textContent = value.note;
  if (value.state) find(".spir-timeline").dataset.state = value.state;
  // Somebody who looks at an early step is not torn away from it.
  let at = Number(find(".scrub").value);
  const followed = at >= frames.length - 1;
  if (value.keep !== undefined) frames = frames.filter((frame) => frame.step <= value.keep);
  if (value.total !== undefined) total = value.total;
  if (value.used !== undefined) used = value.used; // Null where a mixed object is in use.
  const fresh = (value.frames || []).filter((frame) => !frames.some((known) => known.step === frame.step));
  frames.push(...fresh);
  if (followed || at >= frames.length) at = frames.length - 1;
  if (value.look_at !== undefined) at = frames.findIndex((frame) => frame.step === value.look_at);
  show(at);
  spir.say("steps", { run, frames, total, used, state: find(".spir-timeline").dataset.state });
}

find(".scrub").addEventListener("input", (event) => {
  halt();
  show(Number(event.target.value));
});
find(".play").addEventListener("click", play);
find(".metric").addEventListener("change", () => show(Number(find(".scrub").value)));
find(".to-error").addEventListener("click", () => third(false));
find(".to-nocs").addEventListener("click", () => third(true));
// A number of steps that is already there is only looked at.
spir.on("look at step", element, (number) => {
  const index = frames.findIndex((frame) => frame.step === number);
  if (index >= 0) show(index);
});
spir.on("renamed", element, ({ from, to }) => {
  if (run === from && to) run = to;
});
watch("value", take);
take();
