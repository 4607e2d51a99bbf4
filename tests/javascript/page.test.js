const assert = require("node:assert/strict");
const { test } = require("node:test");
const { FakeCanvas, images, loadPage, picture } = require("./page.js");

const there = { isConnected: true };

test("a message reaches its listeners, in order, and no others", () => {
  const { spir } = loadPage(), heard = [];
  spir.on("a", there, (message) => heard.push(["first", message]));
  spir.on("a", there, (message) => heard.push(["second", message]));
  spir.on("b", there, (message) => heard.push(["b", message]));
  spir.say("a", 1);
  assert.deepEqual(heard, [["first", 1], ["second", 1]]);
});

test("a late listener gets the latest message at once", () => {
  const { spir } = loadPage(), heard = [];
  spir.say("a", 1);
  spir.say("a", 2);
  spir.on("a", there, (message) => heard.push(message));
  assert.deepEqual(heard, [2]);
});

test("a listener that has left the page is dropped for good", () => {
  const { spir } = loadPage(), heard = [], gone = { isConnected: true };
  spir.on("a", gone, (message) => heard.push(message));
  gone.isConnected = false;
  spir.say("a", 1);
  gone.isConnected = true;
  spir.say("a", 2);
  assert.deepEqual(heard, []);
});

test("hex colours and bytes", () => {
  const { spir } = loadPage();
  assert.deepEqual(spir.hexToRgb("#ff0a80"), [255, 10, 128]);
  assert.equal(spir.rgbToHex([255, 10, 128]), "#ff0a80");
  assert.equal(spir.rgbToHex([300, -4, 127.6]), "#ff0080", "out of range is clamped, and levels are rounded");
});

test("weights come out of tiles side by side and views below one another", async () => {
  const { spir } = loadPage();
  // Two views of 2 x 1 pixels with 4 weights: two tiles, so 4 pixels a row.
  const upper = [[1, 2, 3, 0], [11, 12, 13, 0], [4, 0, 0, 0], [14, 0, 0, 0]];
  const lower = [[21, 22, 23, 0], [31, 32, 33, 0], [24, 0, 0, 0], [34, 0, 0, 0]];
  images.set("packed", picture(4, 2, [...upper, ...lower].flat()));
  const views = await spir.loadViews("packed", 4, 1);
  assert.deepEqual(views.map(({ width, height, values }) => [width, height, values]), [[2, 1, 4], [2, 1, 4]]);
  assert.deepEqual(views.map(({ weights }) => [...weights]), [[1, 2, 3, 4, 11, 12, 13, 14], [21, 22, 23, 24, 31, 32, 33, 34]]);
});

test("a picture that cannot be read is an error", async () => {
  await assert.rejects(loadPage().spir.loadImage("missing"), /could not be read/);
});

test("a view is its weights times the palette", () => {
  const { spir } = loadPage(), canvas = new FakeCanvas();
  const view = { width: 3, height: 1, values: 2, weights: Uint8Array.from([255, 0, 51, 102, 0, 0]) };
  spir.paint(canvas, view, [[200, 100, 0], [20, 10, 255]]);
  // A third of the first colour and two thirds of the second, where the weights sum to 153; nothing where they are 0.
  assert.deepEqual([...canvas.picture.data], [200, 100, 0, 255, 80, 40, 170, 153, 0, 0, 0, 0]);
  assert.deepEqual([canvas.width, canvas.height], [3, 1]);
});

test("the entry at a place", () => {
  const { spir } = loadPage();
  const view = { width: 2, height: 2, values: 3, weights: Uint8Array.from([9, 1, 1, 0, 0, 0, 1, 1, 9, 1, 9, 1]) };
  const entry = (x, y) => spir.entryAt(view, x, y);
  assert.deepEqual([entry(0, 0), entry(0.6, 0.2), entry(0.2, 0.6), entry(1, 1)], [0, -1, 2, 1]);
});

test("a dropped ZIP goes to the field that opens one; other files are left alone", () => {
  const { document } = loadPage(), field = document.querySelector("input[type=file][accept*='.zip']");
  let changes = 0, stopped = 0;
  field.dispatchEvent = () => changes++;
  const drop = (name) =>
    document.dispatch("drop", { dataTransfer: { files: [{ name }] }, stopPropagation: () => stopped++ });
  assert.equal(drop("photo.png"), false);
  assert.deepEqual([changes, stopped], [0, 0]);
  assert.equal(drop("Saved.ZIP"), true);
  assert.deepEqual([changes, stopped, field.files[0].name], [1, 1, "Saved.ZIP"]);
});
