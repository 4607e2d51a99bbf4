const assert = require("node:assert/strict");
const { test } = require("node:test");
const { images, loadWidget, picture } = require("./page.js");

const FILES = ["cutout/mask.js", "cutout/widget.js"];
const NAMES = ["unpackMask", "packMask", "sameMask", "paintLine", "maskedPixels", "brushRadius"];
const WHITE = [255, 255, 255, 255], BLACK = [0, 0, 0, 255];
const SIZE = 8;
const rgba = (mask) => mask.flatMap((inside) => (inside ? WHITE : BLACK));
// Row by row, as text.
const grid = (mask, width) =>
  Array.from({ length: mask.length / width }, (_, y) => mask.slice(y * width, (y + 1) * width).join(""));

class FakeOption {
  constructor(...parts) {
    this.parts = parts;
  }
}

class Timers {
  waiting = new Map();
  set = (callback) => {
    const id = {};
    this.waiting.set(id, callback);
    return id;
  };
  clear = (id) => this.waiting.delete(id);
  fire = () => [...this.waiting.values()].forEach((callback) => callback());
}

function load(options = {}) {
  const timers = new Timers();
  const globals = { setTimeout: timers.set, clearTimeout: timers.clear, Option: FakeOption };
  const prepare = (element) => {
    element.querySelector(".size").value = 25;
    element.querySelector(".margin").value = 5;
  };
  const widget = loadWidget(FILES, { names: NAMES, globals, prepare, value: { blank: true }, ...options });
  return { ...widget, timers, canvas: widget.find("canvas") };
}

const EMPTY = Array(SIZE * SIZE).fill(0);
const LEFT = EMPTY.map((_, i) => Number(i % SIZE < 4));

// A photo of 8 x 8 pixels, ready to be painted on with a brush of 1 pixel's radius; the segmenter found the left half.
async function opened() {
  images.set("photo", picture(SIZE, SIZE, EMPTY.flatMap(() => [100, 100, 100, 255])));
  images.set("empty", picture(SIZE, SIZE, rgba(EMPTY)));
  images.set("left", picture(SIZE, SIZE, rgba(LEFT)));
  const widget = load();
  const ways = [["a", "One"], ["b", "Another"]];
  await widget.receive({ run: "k", photo: "photo", mask: "empty", auto: "left", revision: 0, margin: 0.05, ways, by: "a" });
  widget.click = (name) => widget.find(name).dispatch("click");
  widget.stroke = (x, y, to = null, more = {}) => {
    const event = (clientX, clientY) => ({ isPrimary: true, button: 0, altKey: false, clientX, clientY, ...more });
    widget.canvas.dispatch("pointerdown", event(x, y));
    if (to) widget.canvas.dispatch("pointermove", event(...to));
    widget.canvas.dispatch("pointerup");
  };
  // The answer to the latest request.
  widget.answer = () => widget.receive({ run: "k", revision: widget.sent.at(-1).value.revision, note: "cut" });
  widget.lastMask = () => grid([...widget.functions.unpackMask(widget.sent.at(-1).value.mask.data)], SIZE);
  widget.click(".fix");
  return widget;
}

test("a mask survives being written and read", () => {
  const { packMask, unpackMask, sameMask } = load().functions, mask = Uint8Array.from([1, 0, 0, 1, 1, 0]);
  const bytes = new Uint8ClampedArray(24);
  packMask(mask, bytes);
  assert.deepEqual([...bytes], rgba([...mask]));
  assert.deepEqual(unpackMask(bytes), mask);
  assert.deepEqual([...unpackMask([127, 0, 0, 255, 128, 0, 0, 255])], [0, 1]);
  assert.ok(sameMask(mask, mask.slice()) && !sameMask(mask, Uint8Array.from([1, 0, 0, 1, 1, 1])));
});

test("a line is a capsule, cut off at the border", () => {
  const { paintLine, brushRadius } = load().functions;
  const paint = (from, to, radius) => {
    const mask = new Uint8Array(35);
    paintLine(mask, 7, 5, from, to, radius, 1);
    return grid([...mask], 7);
  };
  const centre = { x: 3.5, y: 2.5 };
  assert.deepEqual(paint(centre, centre, 1), ["0000000", "0001000", "0011100", "0001000", "0000000"]);
  assert.deepEqual(paint({ x: 1.5, y: 2.5 }, { x: 5.5, y: 2.5 }, 0.5), ["0000000", "0000000", "0111110", "0000000", "0000000"]);
  assert.deepEqual(paint({ x: 0.5, y: 0.5 }, { x: 4.5, y: 4.5 }, 0.5), ["1000000", "0100000", "0010000", "0001000", "0000100"]);
  assert.deepEqual(paint({ x: -9, y: 0.5 }, { x: 0, y: 0.5 }, 0.5), ["1000000", "0000000", "0000000", "0000000", "0000000"]);
  const edge = (x) => paint({ x, y: 2.5 }, { x, y: 2.5 }, 1).join(" ");
  assert.deepEqual([edge(0), edge(7)], [
    "0000000 0000000 1000000 0000000 0000000",
    "0000000 0000000 0000001 0000000 0000000",
  ]);
  assert.deepEqual([brushRadius(10, 40, 20), brushRadius(1, 8, 8)], [2, 0.5]);
});

test("the photo is faded outside the mask, tinted inside, with a border on both sides", () => {
  const { maskedPixels } = load().functions;
  const out = new Uint8ClampedArray(4 * 4);
  maskedPixels(Array(16).fill(40), [1, 1, 0, 0], 4, 1, 0.5, out);
  assert.deepEqual([...out], [148, 42, 75, 255, 255, 45, 110, 255, 255, 255, 255, 255, 170, 170, 170, 255]);
});

test("a stroke is sent as a whole mask, with its number", async () => {
  const widget = await opened();
  widget.stroke(2.5, 1.5, [5.5, 1.5]);
  assert.deepEqual(widget.lastMask(), ["00111100", "01111110", "00111100", ...Array(5).fill("00000000")]);
  const { value, event } = widget.sent[0];
  assert.deepEqual([event, value.run, value.revision, value.margin, value.edited], ["input", "k", 1, 0.05, true]);
});

test("Alt and Remove swap what the brush does", async () => {
  const widget = await opened();
  widget.click(".whole");
  widget.answer();
  widget.stroke(0.5, 0.5, null, { altKey: true });
  assert.equal(widget.lastMask()[0], "00111111");
  widget.answer();
  widget.click(".remove");
  widget.stroke(7.5, 0.5);
  assert.equal(widget.lastMask()[0], "00111100");
  widget.answer();
  widget.stroke(7.5, 0.5, null, { altKey: true });
  assert.equal(widget.lastMask()[0], "00111111");
});

test("undo goes back change by change, and what changed nothing is no change", async () => {
  const widget = await opened();
  widget.click(".automatic");
  widget.answer();
  widget.stroke(1.5, 1.5);
  assert.equal(widget.sent.length, 1, "all of it was in the mask already");
  widget.stroke(6.5, 1.5);
  widget.answer();
  assert.equal(widget.find(".undo").attributes["aria-disabled"], "false");
  widget.click(".undo");
  assert.deepEqual(widget.lastMask(), grid(LEFT, SIZE));
  widget.answer();
  widget.element.dispatch("keydown", { key: "Z", ctrlKey: true });
  assert.deepEqual(widget.lastMask(), grid(EMPTY, SIZE));
  widget.answer();
  assert.equal(widget.find(".undo").attributes["aria-disabled"], "true");
  const { length } = widget.sent; // Nothing is left to be undone.
  widget.click(".undo");
  assert.equal(widget.sent.length, length);
});

test("the automatic mask stays what it was, whatever is painted on it", async () => {
  const widget = await opened();
  widget.click(".automatic");
  widget.answer();
  widget.stroke(6.5, 1.5);
  widget.answer();
  widget.click(".automatic");
  assert.deepEqual(widget.lastMask(), grid(LEFT, SIZE));
});

test("twenty changes can be undone", async () => {
  const widget = await opened();
  for (let i = 0; i < 25; i++) widget.click(i % 2 ? ".clear" : ".whole");
  let undone = 0;
  for (; widget.find(".undo").attributes["aria-disabled"] === "false"; undone++) widget.click(".undo");
  assert.equal(undone, 20);
});

test("one request at a time; what was painted meanwhile is sent with the answer", async () => {
  const widget = await opened();
  widget.stroke(1.5, 1.5);
  widget.stroke(4.5, 1.5);
  widget.stroke(4.5, 6.5);
  assert.equal(widget.sent.length, 1);
  widget.receive({ run: "k", revision: 0, note: "of another stroke" });
  widget.receive({ run: "other", revision: 1, note: "of another run" });
  assert.equal(widget.sent.length, 1);
  widget.answer();
  assert.deepEqual([widget.sent.length, widget.sent[1].value.revision], [2, 2]);
  assert.equal(widget.lastMask()[6], "00011100");
  widget.answer();
  assert.equal(widget.sent.length, 2);
});

test("without an answer the next request goes out all the same", async () => {
  const widget = await opened();
  widget.stroke(1.5, 1.5);
  widget.stroke(4.5, 1.5);
  widget.timers.fire();
  assert.equal(widget.sent.length, 2);
});

test("another segmenter is asked for at once, and replaces waiting strokes", async () => {
  const widget = await opened();
  widget.stroke(1.5, 1.5);
  widget.stroke(4.5, 1.5);
  widget.find(".by").value = "b";
  widget.find(".by").dispatch("change");
  assert.deepEqual(widget.sent[1].value, { run: "k", by: "b", revision: 2, edited: true });
  widget.answer();
  assert.equal(widget.sent.length, 2);
});

test("a photo that was replaced while it loaded is not shown", async () => {
  const widget = await opened();
  images.set("small", picture(2, 2, Array(16).fill(9)));
  images.set("slow", picture(SIZE, SIZE, rgba(EMPTY), 5));
  const message = (run, name) => ({ run, photo: name, mask: name, auto: name, margin: 0.1, by: "a" });
  await Promise.all([widget.receive(message("new", "slow")), widget.receive(message("newer", "small"))]);
  await widget.settle();
  assert.deepEqual([widget.canvas.width, widget.canvas.picture.width], [2, 2]);
});

test("the keyboard paints too", async () => {
  const widget = await opened(), key = (type, name, more = {}) => widget.canvas.dispatch(type, { key: name, ...more });
  key("keydown", "ArrowLeft");
  assert.match(widget.find(".where").textContent, /38 % across, 50 % down: not the object/);
  key("keydown", " ");
  key("keydown", " ");
  key("keyup", " ");
  assert.deepEqual(widget.lastMask().slice(3, 5), ["00110000", "00110000"]);
  assert.match(widget.find(".where").textContent, /: object/);
  key("keydown", "+");
  assert.equal(widget.find(".size").value, 26);
});
