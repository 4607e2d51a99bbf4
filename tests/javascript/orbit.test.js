const assert = require("node:assert/strict");
const { test } = require("node:test");
const { images, loadWidget, picture } = require("./page.js");

const NAMES = ["wrapIndex", "degreesOf", "indexAfterDrag", "nearestView", "describeAngle"];
const nothing = { run: "", clear: true, values: 0, side: 1, frames: 0, parts: [] };
const cleared = (run, frames, more = {}) => ({ run, clear: true, values: 1, side: 1, frames, parts: [], ...more });

// Views of one pixel; view i has the weight i + 1, which shows as its alpha.
const part = (name, ...weights) => images.set(name, picture(1, weights.length, weights.flatMap((weight) => [weight, 0, 0, 255])));

function load(value = nothing) {
  const widget = loadWidget(["orbit/widget.js"], { names: NAMES, value });
  widget.turn = widget.find(".turn");
  widget.shown = () => widget.find("canvas").picture.data[3];
  return widget;
}

async function turning(count = 4, frames = 4) {
  part("views", ...Array.from({ length: count }, (_, i) => i + 1));
  const widget = load();
  widget.spir.say("palette", { run: "", colours: [[255, 255, 255]] });
  widget.receive(cleared("k", frames, { parts: ["views"] }));
  await widget.settle();
  return widget;
}

test("views and angles", () => {
  const { wrapIndex, degreesOf, describeAngle } = load().functions;
  assert.deepEqual([-1, 0, 35, 36, -37].map((index) => wrapIndex(index, 36)), [35, 0, 35, 0, 35]);
  assert.deepEqual([0, 1, 9, 35].map((index) => degreesOf(index, 36)), [0, 10, 90, 350]);
  assert.equal(degreesOf(1, 7), 51);
  assert.deepEqual(describeAngle(0), { words: "The photo's side", guessed: false });
  assert.deepEqual(describeAngle(350), { words: "10° from the photo's side", guessed: false });
  assert.deepEqual([100, 110, 260, 250].map((degrees) => describeAngle(degrees).guessed), [false, true, false, true]);
});

test("a drag across the widget is three quarters of a turn, against the pointer", () => {
  const { indexAfterDrag } = load().functions;
  assert.equal(indexAfterDrag(5, 0, 200, 36), 5);
  assert.equal(indexAfterDrag(5, 200, 200, 36), 5 - 27);
  assert.equal(indexAfterDrag(5, -20, 200, 36), 8);
});

test("the nearest view that is there, round the circle", () => {
  const { nearestView } = load().functions;
  assert.deepEqual([0, 2, 3, 5, 7].map((index) => nearestView(index, 4, 8)), [0, 2, 3, 3, 0]);
  assert.equal(nearestView(6, 8, 8), 6);
  assert.equal(nearestView(3, 0, 8), 0);
});

test("arrow keys, Home and a drag turn it", async () => {
  const { turn, shown, find } = await turning();
  assert.equal(shown(), 1);
  assert.ok(turn.dispatch("keydown", { key: "ArrowLeft" }));
  assert.deepEqual([shown(), turn.attributes["aria-valuenow"]], [4, "270"]);
  turn.dispatch("keydown", { key: "ArrowUp" });
  turn.dispatch("keydown", { key: "ArrowRight" });
  turn.dispatch("keydown", { key: "ArrowRight" });
  assert.deepEqual([shown(), turn.attributes["aria-valuetext"]], [3, "180° from the photo's side, a guess"]);
  assert.equal(turn.dispatch("keydown", { key: "a" }), false);
  find(".home").dispatch("click");
  assert.equal(shown(), 1);
  turn.clientWidth = 300;
  turn.dispatch("pointerdown", { clientX: 100 });
  turn.dispatch("pointermove", { clientX: 0 });
  assert.equal(shown(), 2);
});

test("views that come in parts stay in order; those of an earlier object are dropped", async () => {
  part("first", 1, 2);
  part("second", 3);
  part("other", 9);
  const widget = load();
  widget.spir.say("palette", { run: "", colours: [[255, 255, 255]] });
  widget.receive(cleared("k", 4, { parts: ["first"] }));
  widget.receive({ run: "k", parts: ["second"] });
  await widget.settle();
  assert.equal(widget.turn.attributes["aria-busy"], "true");
  widget.turn.dispatch("keydown", { key: "ArrowRight" });
  widget.turn.dispatch("keydown", { key: "ArrowRight" });
  assert.equal(widget.shown(), 3);
  widget.receive({ run: "k", parts: ["first"] });
  widget.receive(cleared("new", 1, { parts: ["other"] }));
  widget.receive({ run: "k", parts: ["first"] });
  await widget.settle();
  const { attributes } = widget.turn;
  assert.deepEqual([widget.shown(), attributes["aria-busy"], attributes["aria-valuenow"]], [9, "false", "0"]);
});

test("a slow part keeps its place, unless another object comes meanwhile", async () => {
  images.set("slow", picture(1, 1, [5, 0, 0, 255], 5));
  part("fast", 6);
  const widget = load();
  widget.spir.say("palette", { run: "", colours: [[255, 255, 255]] });
  widget.receive(cleared("k", 2, { parts: ["slow", "fast"] }));
  await widget.settle(20);
  assert.equal(widget.shown(), 5);
  widget.receive(cleared("k", 2, { parts: ["slow"] }));
  await widget.settle();
  widget.receive(cleared("new", 1, { parts: ["fast"] }));
  await widget.settle(20);
  assert.equal(widget.shown(), 6);
});

test("the angle stays for the same run and goes with another", async () => {
  const widget = await turning();
  widget.turn.dispatch("keydown", { key: "ArrowRight" });
  widget.receive(cleared("k", 4, { parts: ["views"] }));
  await widget.settle();
  assert.equal(widget.shown(), 2);
  widget.receive(cleared("other", 4, { parts: ["views"] }));
  await widget.settle();
  assert.equal(widget.shown(), 1);
});

test("a click tells the colour, a drag does not", async () => {
  const widget = await turning(), picked = [];
  widget.spir.on("picked colour", widget.element, (message) => picked.push(message));
  const go = (from, to) => {
    widget.turn.dispatch("pointerdown", { clientX: from, clientY: 0 });
    if (to !== from) widget.turn.dispatch("pointermove", { clientX: to, clientY: 0 });
    widget.turn.dispatch("pointerup", { clientX: from, clientY: 0 });
  };
  widget.turn.clientWidth = 300;
  go(0, 50);
  go(1, 1);
  assert.deepEqual(picked, [], "dragged, or beside the picture");
  go(0, 0);
  assert.deepEqual(picked, [{ run: "k", entry: 0 }]);
});

test("another palette repaints, another run's does not", async () => {
  const { spir, find } = await turning(), colour = () => [...find("canvas").picture.data.slice(0, 3)];
  spir.say("palette", { run: "k", colours: [[1, 2, 3]] });
  assert.deepEqual(colour(), [1, 2, 3]);
  spir.say("palette", { run: "other", colours: [[9, 9, 9]] });
  assert.deepEqual(colour(), [1, 2, 3]);
});

test("the rest is asked for once", () => {
  const widget = load(cleared("k", 4, { more: true }));
  assert.equal(widget.sent.length, 0);
  widget.turn.dispatch("focus");
  widget.turn.dispatch("pointerenter");
  assert.equal(widget.sent.length, 1);
});
