// The smaller widgets: comparison, examples, mixing, verdict.
const assert = require("node:assert/strict");
const { test } = require("node:test");
const { FakeElement, loadPage, loadWidget } = require("./page.js");

test("comparison: places on the axis of seconds", () => {
  const { axisPlace } = loadWidget(["comparison/widget.js"], { names: ["axisPlace"] }).functions;
  assert.deepEqual(axisPlace(0, 10), { x: 10, anchor: "start" });
  assert.deepEqual(axisPlace(5, 10), { x: 300, anchor: "middle" });
  assert.deepEqual(axisPlace(10, 10), { x: 590, anchor: "end" });
});

test("comparison: steps that are there fill their cards", () => {
  const cards = [0, 10, 30].map((step) => Object.assign(new FakeElement(), { dataset: { step: String(step) } }));
  const widget = loadWidget(["comparison/widget.js"], { lists: { ".spir-card": cards } });
  const frame = (step) => ({ step, seconds: step / 10, psnr: 20, distance: 0.12345, iou: null, render: `render ${step}` });
  widget.spir.say("steps", { frames: [frame(0), frame(9), frame(10), frame(40)] });
  const read = (name) => cards.map((card) => card.querySelector(name).textContent);
  assert.deepEqual([read(".psnr"), read(".distance")], [["20.0 dB", "20.0 dB", "–"], ["0.123", "0.123", "–"]]);
  assert.deepEqual([read(".iou"), read(".seconds")], [["–", "–", "–"], ["0.0 s", "1.0 s", "–"]]);
  assert.deepEqual(cards.map((card) => card.querySelector("img").hidden), [false, false, true]);
  assert.equal(widget.find(".marks").children.length, 4, "a dot and a label each");
  assert.equal(widget.find("svg").attributes["aria-label"], "0 steps at 0.0 seconds, 10 steps at 1.0 seconds");
});

test("examples: a click asks for that one; the new key is told to the others", () => {
  const page = loadPage(), renamed = [];
  const examples = [{ name: "one", title: "One" }, { name: "two", title: "Two", failure: "It fails" }];
  const widget = loadWidget(["examples/widget.js"], { value: { examples }, page });
  const buttons = (widget.element.lists.button = widget.find(".strip").children);
  buttons[1].dispatch("click");
  assert.deepEqual(widget.sent, [{ event: "input", value: { chosen: "two" } }]);
  assert.deepEqual(buttons.map((button) => button.attributes["aria-pressed"]), ["false", "true"]);
  assert.equal(widget.find(".why").textContent, "It fails");
  page.spir.on("renamed", widget.element, (message) => renamed.push(message));
  widget.receive({ renamed: { from: "first", to: "k" } });
  assert.deepEqual(renamed, [{ from: "first", to: "k" }]);
});

function mixing() {
  const buttons = Array.from({ length: 9 }, (_, i) => Object.assign(new FakeElement(), { index: i }));
  const widget = loadWidget(["mixing/widget.js"], { names: ["cellOf"], lists: { ".grid button": buttons } });
  widget.receive({ run: "k", clear: true, second: "second" });
  return { ...widget, buttons };
}

test("mixing: a blend is picked, then used", () => {
  const widget = mixing(), { buttons, find } = widget;
  assert.deepEqual([0, 5, 8].map(widget.functions.cellOf), [[0, 0], [1, 2], [2, 2]]);
  assert.ok(buttons.every((button) => button.disabled));
  find(".use").dispatch("click");
  assert.equal(widget.sent.length, 0, "nothing is picked");
  widget.receive({ run: "k", cells: buttons.map((_, i) => `blend ${i}`) });
  buttons[5].dispatch("click");
  assert.equal(find(".picked img").src, "blend 5");
  find(".use").dispatch("click");
  assert.deepEqual(widget.sent, [{ event: "input", value: { run: "k", cell: [1, 2] } }]);
});

test("mixing: another grid forgets the cell, but not the sliders", () => {
  const widget = mixing(), { buttons, find } = widget, cells = buttons.map((_, i) => `blend ${i}`);
  widget.receive({ run: "k", cells });
  buttons[0].dispatch("click");
  widget.receive({ run: "k", cells });
  assert.deepEqual([find(".use").disabled, buttons[0].attributes["aria-pressed"]], [true, "false"]);
  widget.receive({ run: "k", live: { amounts: [0.5], picture: "live" } });
  widget.receive({ run: "k", cells });
  assert.equal(find(".use").disabled, false);
  find(".use").dispatch("click");
  assert.deepEqual(widget.sent[0].value, { run: "k", amounts: [0.5] });
});

test("mixing: arrow keys move through the grid and stop at its ends", () => {
  const widget = mixing(), { buttons, find, document } = widget;
  const focusedAfter = (from, key) => {
    document.activeElement = buttons[from];
    buttons.forEach((button) => (button.focused = false));
    find(".grid").dispatch("keydown", { key });
    return buttons.findIndex((button) => button.focused);
  };
  assert.deepEqual([focusedAfter(4, "ArrowUp"), focusedAfter(4, "ArrowDown"), focusedAfter(4, "ArrowRight")], [1, 7, 5]);
  assert.deepEqual([focusedAfter(1, "ArrowUp"), focusedAfter(8, "ArrowRight"), focusedAfter(4, "Tab")], [-1, -1, -1]);
});

test("verdict: all of it, and nothing left of an earlier one", () => {
  const { receive, find } = loadWidget(["verdict/widget.js"]);
  receive({ level: "poor", line: "Poor", reasons: ["one", "two"], action: "Try again" });
  assert.equal(find(".spir-gauge").dataset.level, "poor");
  assert.deepEqual(find(".reasons").children.map((item) => item.textContent), ["one", "two"]);
  assert.deepEqual([find(".action").textContent, find(".action").hidden], ["Try again", false]);
  receive({ level: "", line: "None" });
  assert.deepEqual([find(".reasons").children.length, find(".action").hidden], [0, true]);
});
