// The steps of one run: kept here, so that scrubbing and playing never ask the server.
const WIDTH = 600, HEIGHT = 80, EDGE = 4; // Of the plot.
const PLAY_MS = 120;
const DIGITS = { loss: 4, iou: 3, psnr: 1 };
const MOST_DIFFERENCE = 382.5; // Sum of three bytes; is divided by 255 / 2 for [-1, 1] and by 3 for their mean.

const number = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));

// The steps after a message: it may keep only those up to a step and bring more, some of them once again.
function mergeFrames(frames, message) {
  const kept = message.keep === undefined ? frames : frames.filter((frame) => frame.step <= message.keep);
  const fresh = (message.frames || []).filter((frame) => !kept.some((known) => known.step === frame.step));
  return [...kept, ...fresh];
}

// Which of the merged steps is shown after a message. Somebody who looks at an early step is not torn away from it;
// whoever was at the last of `countBefore` steps follows the run. -1: none.
function indexAfter(index, countBefore, frames, { look_at: wanted }) {
  if (wanted !== undefined) return frames.findIndex((frame) => frame.step === wanted);
  const followed = index >= countBefore - 1;
  return followed || index >= frames.length ? frames.length - 1 : index;
}

const lastSecond = (frames) => Math.max(...frames.map((frame) => frame.seconds), 1e-9);

const plotX = (frame, last) => (WIDTH * frame.seconds) / last;

// The line of a metric over seconds. A loss starts at 0, the others at their least value.
function plotLine(frames, metric) {
  const known = frames.filter((frame) => typeof frame[metric] === "number");
  const values = known.map((frame) => frame[metric]), last = lastSecond(frames);
  const low = metric === "loss" ? 0 : Math.min(...values, Infinity);
  const high = Math.max(...values, low + 1e-9);
  const y = (value) => HEIGHT - EDGE - ((HEIGHT - 2 * EDGE) * (value - low)) / (high - low);
  const points = known.map((frame) => `${plotX(frame, last).toFixed(1)},${y(frame[metric]).toFixed(1)}`).join(" ");
  return { points, values };
}

// Where two pictures differ, in the colours of spir/outputs/panels.py; `rgba` is the second and becomes the result.
function paintDifference(target, rgba, { ramp, worst }) {
  const intervals = ramp.length - 1;
  for (let i = 0; i < rgba.length; i += 4) {
    const difference = (c) => Math.abs(target[i + c] - rgba[i + c]);
    const sum = difference(0) + difference(1) + difference(2);
    const place = Math.min(1, sum / MOST_DIFFERENCE / worst) * intervals;
    const low = Math.min(intervals - 1, Math.floor(place)), part = place - low;
    for (let c = 0; c < 3; c++) rgba[i + c] = ramp[low][c] * (1 - part) + ramp[low + 1][c] * part;
  }
}

const find = (selector) => element.querySelector(selector);
const scrub = find(".scrub");
let run = null, total = 0, used = null, frames = [], timer = null, errorScale = null, target = null;

const frameAt = (index) => frames[Math.max(0, Math.min(frames.length - 1, index))];

function showPicture(image, source) {
  image.hidden = !source;
  if (source) image.src = source;
  else image.removeAttribute("src");
}

function plot() {
  const menu = find(".metric"), metric = menu.value;
  const { points, values } = plotLine(frames, metric);
  find("polyline").setAttribute("points", points);
  find(".axis.end").textContent = frames.length ? `seconds (${lastSecond(frames).toFixed(1)})` : "seconds";
  const span = values.length ? `, from ${number(values[0], DIGITS[metric])} to ${number(values.at(-1), DIGITS[metric])}` : "";
  find("svg").setAttribute("aria-label", `${menu.selectedOptions[0].text} over seconds${span}`);
}

// A vertical line of the plot at a step, hidden without one.
function markStep(line, frame) {
  const x = frame ? plotX(frame, lastSecond(frames)) : null;
  line.style.display = frame ? "" : "none";
  line.setAttribute("x1", x || 0);
  line.setAttribute("x2", x || 0);
}

async function showDifference(frame) {
  const canvas = find(".error");
  canvas.hidden = !frame || !errorScale || find(".to-error").getAttribute("aria-pressed") !== "true";
  if (canvas.hidden) return;
  const [found, photo] = await Promise.all([spir.loadImage(frame.render), spir.loadImage(target)]);
  canvas.width = photo.width;
  canvas.height = photo.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const read = (image) => {
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  };
  const expected = read(photo).data, result = read(found);
  paintDifference(expected, result.data, errorScale);
  context.putImageData(result, 0, 0);
}

function show(index) {
  const frame = frameAt(index);
  showPicture(find(".render"), frame && frame.render);
  const inUse = frame && used !== null && frame.step === used ? " (in use)" : "";
  find(".step").textContent = frame ? `${frame.step} of ${total}${inUse}` : "–";
  for (const [metric, digits] of Object.entries(DIGITS))
    find(`dd.${metric}`).textContent = frame ? number(frame[metric], digits) : "–";
  find(".seconds").textContent = frame ? `${number(frame.seconds, 1)} s` : "–";
  plot();
  markStep(find(".cursor"), frame);
  markStep(find(".used"), frames.find((known) => known.step === used));
  scrub.max = Math.max(0, frames.length - 1);
  scrub.value = frame ? index : 0;
  scrub.disabled = find(".play").disabled = frames.length < 2;
  scrub.setAttribute("aria-valuetext", frame ? `step ${frame.step}${inUse}` : "no step");
  showDifference(frame);
  // Python reads it with the next event that asks; nothing is sent for it.
  if (frame) props.value = { run, looked_at: frame.step };
}

function pause() {
  clearInterval(timer);
  timer = null;
  find(".play").textContent = "▶";
  find(".play").setAttribute("aria-label", "Play the steps");
}

function togglePlay() {
  if (timer) return pause();
  let index = 0;
  find(".play").textContent = "❚❚";
  find(".play").setAttribute("aria-label", "Pause");
  timer = setInterval(() => {
    show(index);
    index += 1;
    if (index >= frames.length) pause();
  }, PLAY_MS);
}

function clear(value) {
  pause();
  run = value.run;
  frames = [];
  used = null;
  total = value.total || 0;
  target = value.target || null;
  errorScale = value.error || null;
  showPicture(find(".target"), value.target);
  showPicture(find(".nocs"), value.nocs);
  showThirdPicture(find(".to-nocs").getAttribute("aria-pressed") === "true");
}

// The third picture: the difference, or the first look (NOCS).
function showThirdPicture(nocs) {
  find(".to-nocs").setAttribute("aria-pressed", String(nocs));
  find(".to-error").setAttribute("aria-pressed", String(!nocs));
  find(".nocs").hidden = !nocs || !find(".nocs").src;
  showDifference(frameAt(Number(scrub.value)));
}

function receive() {
  const value = props.value;
  if (!value || value.looked_at !== undefined) return; // Our own value, from `show`.
  if (value.clear) clear(value);
  else if (value.run !== run) return; // A run that is no longer looked at still sends.
  if (value.note !== undefined) find(".spir-status").textContent = value.note;
  if (value.state) find(".spir-timeline").dataset.state = value.state;
  if (value.total !== undefined) total = value.total;
  if (value.used !== undefined) used = value.used; // Null where a mixed object is in use.
  const countBefore = frames.length;
  frames = mergeFrames(frames, value);
  show(indexAfter(Number(scrub.value), countBefore, frames, value));
  spir.say("steps", { run, frames, total, used, state: find(".spir-timeline").dataset.state });
}

scrub.addEventListener("input", (event) => {
  pause();
  show(Number(event.target.value));
});
find(".play").addEventListener("click", togglePlay);
find(".metric").addEventListener("change", () => show(Number(scrub.value)));
find(".to-error").addEventListener("click", () => showThirdPicture(false));
find(".to-nocs").addEventListener("click", () => showThirdPicture(true));
// The button of a number of steps that this run has passed already only shows that step.
spir.on("look at step", element, (wanted) => {
  const index = frames.findIndex((frame) => frame.step === wanted);
  if (index >= 0) show(index);
});
// The example that the page opened with has become the visitor's own run, under another key.
spir.on("renamed", element, ({ from, to }) => {
  if (run === from && to) run = to;
});
watch("value", receive);
receive();
