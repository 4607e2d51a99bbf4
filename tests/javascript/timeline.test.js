const assert = require("node:assert/strict");
const { test } = require("node:test");
const { images, loadWidget, picture } = require("./page.js");

const frame = (step, more = {}) => ({ step, seconds: step, render: `render ${step}`, loss: 1 / (step + 1), ...more });
const steps = (frames) => frames.map(({ step }) => step);

function load(value = { run: "k", clear: true, total: 3 }) {
  const widget = loadWidget(["timeline/widget.js"], {
    names: ["mergeFrames", "indexAfter", "plotLine", "plotX", "paintDifference"],
    value,
    prepare(element) {
      const menu = element.querySelector(".metric");
      Object.assign(menu, { value: "loss", selectedOptions: [{ text: "loss" }] });
    },
  });
  widget.said = [];
  widget.spir.on("steps", widget.element, (message) => widget.said.push(message));
  return widget;
}

test("messages merge: known steps once, later ones cut off by keep", () => {
  const { mergeFrames } = load().functions;
  const first = mergeFrames([], { frames: [frame(0), frame(1)] });
  const second = mergeFrames(first, { frames: [frame(1, { loss: 9 }), frame(2)] });
  assert.deepEqual(steps(second), [0, 1, 2]);
  assert.equal(second[1].loss, 0.5, "the first one that came stays");
  const resumed = mergeFrames(second, { keep: 1, frames: [frame(2, { loss: 7 }), frame(3)] });
  assert.deepEqual(steps(resumed), [0, 1, 2, 3]);
  assert.equal(resumed[2].loss, 7, "what was cut off comes anew");
  assert.deepEqual(steps(mergeFrames(second, { keep: 0 })), [0]);
  assert.deepEqual(steps(mergeFrames(second, {})), [0, 1, 2]);
});

test("which step is shown after a message", () => {
  const { indexAfter } = load().functions, five = [0, 1, 2, 3, 4].map((step) => frame(step));
  assert.equal(indexAfter(2, 3, five, {}), 4, "who was at the last one follows");
  assert.equal(indexAfter(1, 3, five, {}), 1, "who looks at an early one stays");
  assert.equal(indexAfter(3, 5, five.slice(0, 2), {}), 1, "what is gone cannot be shown");
  assert.deepEqual([3, 0].map((step) => indexAfter(1, 3, five, { look_at: step })), [3, 0]);
  assert.equal(indexAfter(1, 3, five, { look_at: 8 }), -1);
  assert.equal(indexAfter(0, 0, [], {}), -1);
});

test("the line of the plot, and of the metrics that start at their least", () => {
  const { plotLine, plotX } = load().functions;
  const frames = [frame(0, { loss: 4, iou: 0.5 }), frame(1, { loss: null, iou: 0.75 }), frame(2, { loss: 2, iou: 1 })];
  assert.deepEqual(plotLine(frames, "loss"), { points: "0.0,4.0 600.0,40.0", values: [4, 2] });
  assert.equal(plotLine(frames, "iou").points, "0.0,76.0 300.0,40.0 600.0,4.0");
  assert.deepEqual(plotLine([], "iou"), { points: "", values: [] });
  assert.equal(plotX(frame(1), 4), 150);
});

test("the difference of two pictures along the colour ramp", () => {
  const { paintDifference } = load().functions, scale = { ramp: [[255, 255, 255], [100, 50, 0], [0, 0, 0]], worst: 1 };
  const compare = (target, ours, worst = 1) => {
    const rgba = Uint8ClampedArray.from([...ours, 255]);
    paintDifference([...target, 255], rgba, { ...scale, worst });
    return [...rgba];
  };
  assert.deepEqual(compare([9, 9, 9], [9, 9, 9]), [255, 255, 255, 255], "none");
  assert.deepEqual(compare([0, 0, 0], [255, 255, 255]), [0, 0, 0, 255], "more than the worst");
  assert.deepEqual(compare([0, 0, 0], [255, 255, 255], 4), [100, 50, 0, 255], "2 of 4 is the middle of the ramp");
  assert.deepEqual(compare([255, 0, 0], [0, 0, 0], 8 / 3), [178, 152, 128, 255], "between two colours of the ramp");
});

test("a run as it arrives: followed, scrubbed, in use, told to the others", async () => {
  const widget = load(), { find, receive, props } = widget;
  await receive({ run: "k", state: "running", note: "Looking", frames: [frame(0), frame(1)] });
  assert.equal(find(".step").textContent, "1 of 3");
  assert.deepEqual(props.value, { run: "k", looked_at: 1 });
  assert.equal(find(".spir-status").textContent, "Looking");
  find(".scrub").dispatch("input", { target: { value: "0" } });
  find(".scrub").value = 0;
  receive({ run: "k", frames: [frame(2)] });
  assert.equal(find(".step").textContent, "0 of 3");
  receive({ run: "k", used: 2, look_at: 2, state: "done" });
  assert.equal(find(".step").textContent, "2 of 3 (in use)");
  assert.deepEqual(steps(widget.said.at(-1).frames), [0, 1, 2]);
  assert.deepEqual([widget.said.at(-1).used, widget.said.at(-1).state], [2, "done"]);
  receive({ run: "k", used: null });
  assert.equal(find(".step").textContent, "2 of 3", "a mixed object is in use");
  receive({ run: "k", keep: 0, frames: [frame(10)] });
  assert.deepEqual(props.value, { run: "k", looked_at: 10 });
});

test("another run, and what came back from the page itself, change nothing", () => {
  const { find, receive, said } = load();
  receive({ run: "k", frames: [frame(0)] });
  const before = said.length;
  receive({ run: "other", frames: [frame(1)], note: "no" });
  receive({ run: "k", looked_at: 0 });
  assert.deepEqual([said.length, find(".step").textContent, find(".spir-status").textContent], [before, "0 of 3", ""]);
  receive({ run: "other", clear: true, total: 5 });
  receive({ run: "other", frames: [frame(0)] });
  assert.equal(find(".step").textContent, "0 of 5");
});

test("a run that got another key is heard under it; a number of steps is looked at", () => {
  const { find, receive, spir } = load();
  spir.say("renamed", { from: "k", to: "mine" });
  receive({ run: "mine", frames: [frame(0), frame(1)] });
  assert.equal(find(".step").textContent, "1 of 3");
  spir.say("look at step", 0);
  assert.equal(find(".step").textContent, "0 of 3");
  spir.say("look at step", 1);
  spir.say("look at step", 30);
  assert.equal(find(".step").textContent, "1 of 3");
});

test("the difference is painted for the step that is shown", async () => {
  images.set("photo", picture(1, 1, [0, 0, 0, 255]));
  images.set("render 0", picture(1, 1, [255, 255, 255, 255]));
  const widget = load({ run: "", clear: true });
  widget.find(".to-error").setAttribute("aria-pressed", "true");
  const error = { ramp: [[255, 255, 255], [9, 8, 7]], worst: 1 };
  widget.receive({ run: "k", clear: true, total: 1, target: "photo", error, frames: [frame(0)] });
  await widget.settle();
  assert.equal(widget.find(".error").hidden, false);
  assert.deepEqual([...widget.find(".error").picture.data], [9, 8, 7, 255]);
});
