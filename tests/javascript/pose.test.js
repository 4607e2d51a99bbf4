const assert = require("node:assert/strict");
const { test } = require("node:test");
const { FakeElement, images, loadWidget, picture } = require("./page.js");

const NAMES = ["coordinate", "describePoint", "describeError", "withinMap"];
const SIZE = 2;
const map = (...pixels) => picture(SIZE, SIZE, pixels.flat());
const NONE = [0, 0, 0, 0], MIDDLE = [128, 0, 255, 255], CENTRE = [127, 128, 127, 255];

function load(globals = {}) {
  const marks = [new FakeElement(), new FakeElement()];
  return { ...loadWidget(["pose/widget.js"], { names: NAMES, lists: { ".mark": marks }, globals }), marks };
}

async function shown(globals) {
  images.set("render", picture(SIZE, SIZE, Array(4).fill([255, 0, 0, 255]).flat()));
  images.set("predicted", map(MIDDLE, NONE, MIDDLE, CENTRE));
  images.set("rendered", map(NONE, NONE, MIDDLE, MIDDLE));
  images.set("heat", map(NONE, NONE, NONE, NONE));
  images.set("off", map([0, 0, 0, 255], NONE, [51, 51, 51, 255], [255, 255, 255, 255]));
  const widget = load(globals);
  widget.value = {
    run: "k", render: "render", values: 1, size: SIZE, palette: [[1, 2, 3]], photo: "photo", range: 0.5, worst: 20,
    predicted: "predicted", rendered: "rendered", heat: "heat", off: "off",
  };
  await widget.receive(widget.value);
  widget.key = (key, more = {}) => widget.find(".spir-maps").dispatch("keydown", { key, ...more });
  widget.told = () => [".seen", ".shown", ".off"].map((selector) => widget.find(selector).textContent);
  return widget;
}

test("bytes of a map are coordinates", () => {
  const { coordinate, describePoint } = load().functions;
  assert.deepEqual([0, 255, 191].map((level) => coordinate(level, 0.5)), ["−0.50", "0.50", "0.25"]);
  assert.equal(coordinate(255, 10), "10.00");
  assert.deepEqual([127, 128].map((level) => coordinate(level, 0.5)), ["0.00", "0.00"], "never a minus zero");
  assert.equal(describePoint([0, 0, 0, 0, ...MIDDLE], 4, 0.5), "x 0.00, y −0.50, z 0.50");
  assert.equal(describePoint(NONE, 0, 0.5), "nothing here");
});

test("bytes of the error map are pixels, and the last one is everything above", () => {
  const { describeError } = load().functions;
  const described = [0, 51, 254, 255].map((level) => describeError(level, 20));
  assert.deepEqual(described, ["0.0 pixels", "4.0 pixels", "19.9 pixels", "more than 20 pixels"]);
});

test("the mark stays within the map", () => {
  const { withinMap } = load().functions;
  assert.deepEqual([-3, 0, 7, 8, 20].map((n) => withinMap(n, 8)), [0, 0, 7, 7, 7]);
});

test("the mark moves by keys and pointer, and tells what is under it", async () => {
  const widget = await shown();
  assert.deepEqual(widget.told(), ["–", "–", "–"]);
  assert.ok(widget.key("ArrowUp"), "the first key puts it in the middle");
  assert.deepEqual(widget.told(), ["x 0.00, y 0.00, z 0.00", "x 0.00, y −0.50, z 0.50", "more than 20 pixels"]);
  widget.key("ArrowLeft");
  assert.deepEqual(widget.told(), ["x 0.00, y −0.50, z 0.50", "x 0.00, y −0.50, z 0.50", "4.0 pixels"]);
  assert.deepEqual([widget.marks[1].style.left, widget.marks[1].style.top], ["25%", "75%"]);
  widget.key("ArrowUp", { shiftKey: true });
  assert.deepEqual(widget.told(), ["x 0.00, y −0.50, z 0.50", "nothing here", "0.0 pixels"]);
  widget.find("canvas.heat").dispatch("pointermove", { clientX: 1.5, clientY: 0.5 });
  assert.deepEqual(widget.told(), ["nothing here", "nothing here", "–"], "no error where nothing was seen");
  assert.equal(widget.key("a"), false);
});

test("the mark stays for the same run and goes with another", async () => {
  const widget = await shown();
  widget.key("ArrowUp");
  await widget.receive({ ...widget.value });
  assert.notEqual(widget.told()[0], "–");
  await widget.receive({ ...widget.value, run: "other" });
  assert.equal(widget.told()[0], "–");
});

test("the result is painted in the visitor's colours of the same run", async () => {
  const widget = await shown(), colour = () => [...widget.find(".render").picture.data.slice(0, 4)];
  assert.deepEqual(colour(), [1, 2, 3, 255]);
  widget.spir.say("palette", { run: "other", colours: [[9, 9, 9]] });
  assert.deepEqual(colour(), [1, 2, 3, 255]);
  widget.spir.say("palette", { run: "k", colours: [[7, 8, 9]] });
  assert.deepEqual(colour(), [7, 8, 9, 255]);
});

test("a value that a later one overtook is not shown", async () => {
  const widget = await shown();
  const slow = widget.receive({ ...widget.value, photo: "old" });
  widget.receive({ note: "nothing" });
  await slow;
  assert.equal(widget.find(".photo").src, "photo");
});

test("blinking swaps the sides, once only for whoever wants little motion", async () => {
  const ticks = [];
  const timers = { setInterval: (tick) => ticks.push(tick), clearInterval: () => ticks.pop() };
  const moving = await shown({ ...timers, matchMedia: () => ({ matches: false }) });
  const opacity = moving.find(".opacity"), blink = moving.find(".blink");
  assert.equal(opacity.value, 60);
  blink.dispatch("click");
  ticks[0]();
  assert.deepEqual([opacity.value, blink.attributes["aria-pressed"]], [100, "true"]);
  moving.element.dispatch("keydown", { key: "o" });
  assert.deepEqual([opacity.value, blink.attributes["aria-pressed"], ticks.length], [0, "false", 0]);
  const still = await shown({ ...timers, matchMedia: () => ({ matches: true }) });
  still.find(".blink").dispatch("click");
  assert.deepEqual([still.find(".opacity").value, ticks.length], [0, 0]);
});
