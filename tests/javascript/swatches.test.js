const assert = require("node:assert/strict");
const { test } = require("node:test");
const { FakeElement, loadWidget } = require("./page.js");

const NAMES = ["rgbToHsl", "hslToRgb", "harmonise", "shuffle", "keepLocked", "asCss", "asJson"];
const RED = "#ff0000", GREEN = "#00ff00", BLUE = "#0000ff", GREY = "#404040";
const message = (found, run = "k") => ({ run, names: ["body paint", "glass", "tyres"].slice(0, found.length), found });

// The colour fields are real children here: `fields.inputs()` finds them in what was built.
function load(value = { run: "", names: [], found: [] }, globals = {}) {
  const widget = loadWidget(["swatches/widget.js"], {
    names: NAMES,
    value,
    globals,
    prepare(element) {
      const fields = (element.found[".spir-fields"] = new FakeElement());
      fields.querySelectorAll = () => fields.children.map((item) => item.children[0].children[0]);
    },
  });
  widget.colours = () => widget.props.value.colours;
  widget.lock = (i) => widget.find(".spir-fields").children[i].children[1].dispatch("click");
  return widget;
}

test("hues, saturations and lightnesses, and back", () => {
  const { rgbToHsl, hslToRgb } = load().functions;
  for (const [rgb, hsl] of [
    [[255, 0, 0], [0, 1, 0.5]], [[0, 255, 0], [120, 1, 0.5]], [[0, 0, 255], [240, 1, 0.5]],
    [[255, 0, 255], [300, 1, 0.5]], [[255, 255, 255], [0, 0, 1]], [[51, 51, 51], [0, 0, 0.2]],
    [[204, 153, 102], [30, 0.5, 0.6]],
  ]) {
    rgbToHsl(rgb).forEach((part, i) => assert.ok(Math.abs(part - hsl[i]) < 1e-9, `${rgb}`));
    hslToRgb(hsl).forEach((level, i) => assert.ok(Math.abs(level - rgb[i]) < 1e-9, `${hsl}`));
    assert.deepEqual(hslToRgb([hsl[0] - 360, hsl[1], hsl[2]]).map(Math.round), rgb, "a turn less");
    assert.deepEqual(hslToRgb([hsl[0] + 720, hsl[1], hsl[2]]).map(Math.round), rgb, "two turns more");
  }
});

test("harmonies start at the first hue and leave greys grey", () => {
  const { harmonise } = load().functions;
  assert.deepEqual(harmonise([RED, BLUE, GREY, BLUE], "triadic"), [RED, GREEN, GREY, BLUE]);
  assert.deepEqual(harmonise([RED, GREEN, BLUE], "complementary"), [RED, "#00ffff", RED]);
  assert.deepEqual(harmonise([RED, GREEN, BLUE, RED], "analogous"), [RED, "#ff8000", "#ff0080", RED]);
  assert.deepEqual(harmonise([GREEN, "#ff8080"], "mono"), [GREEN, "#80ff80"], "lightness is kept");
});

test("shuffling moves only what is not locked, and loses nothing", () => {
  const { shuffle } = load().functions, colours = ["#000001", "#000002", "#000003", "#000004", "#000005"];
  const seen = new Set();
  for (let i = 0; i < 200; i++) {
    const shuffled = shuffle(colours, [false, true, false, false, true]);
    assert.deepEqual([shuffled[1], shuffled[4]], [colours[1], colours[4]]);
    assert.deepEqual([...shuffled].sort(), colours);
    seen.add(shuffled.join());
  }
  assert.equal(seen.size, 6, "all orders of three");
  assert.deepEqual(colours, ["#000001", "#000002", "#000003", "#000004", "#000005"]);
});

test("colours are announced to what paints and to Python", () => {
  const { spir, receive, props, find } = load(), heard = [];
  spir.on("palette", { isConnected: true }, (palette) => heard.push(palette));
  receive(message([RED, GREY]));
  assert.deepEqual(heard, [{ run: "k", colours: [[255, 0, 0], [64, 64, 64]] }]);
  assert.deepEqual(props.value, { run: "k", colours: [RED, GREY] });
  receive(props.value);
  assert.equal(heard.length, 1, "its own value is no news");
  assert.equal(find(".reset").disabled, true);
  const input = find(".spir-fields").querySelectorAll()[1];
  input.value = BLUE;
  input.dispatch("input");
  assert.deepEqual(props.value.colours, [RED, BLUE]);
  assert.equal(find(".reset").disabled, false);
  find(".reset").dispatch("click");
  assert.deepEqual(props.value.colours, [RED, GREY]);
});

test("a locked colour outlives harmonies, borrowed palettes and steps of the same run", () => {
  const widget = load(message([RED, GREEN, BLUE])), { receive, find, colours } = widget;
  widget.lock(1);
  find(".harmony").dispatch("change", { target: { value: "mono" } });
  assert.deepEqual(colours(), [RED, GREEN, RED]);
  receive({ run: "k", borrowed: [BLUE, BLUE, BLUE] });
  assert.deepEqual(colours(), [BLUE, GREEN, BLUE]);
  receive({ run: "other", borrowed: [GREY, GREY, GREY] });
  assert.deepEqual(find(".spir-fields").querySelectorAll().map(({ value }) => value), [BLUE, GREEN, BLUE]);
  receive(message([GREY, GREY, GREY]));
  assert.deepEqual(colours(), [GREY, GREEN, GREY]);
  receive(message([RED, RED, RED], "next"));
  assert.deepEqual(colours(), [RED, RED, RED], "another run has no locks");
});

test("a reset opens the locks", () => {
  const widget = load(message([RED, GREEN]));
  widget.receive({ run: "k", borrowed: [BLUE, BLUE] });
  widget.lock(0);
  widget.find(".reset").dispatch("click");
  assert.deepEqual(widget.colours(), [RED, GREEN]);
  assert.equal(widget.find(".spir-fields").children[0].children[1].textContent, "lock");
});

test("a picked entry is named, unless it is another run's", () => {
  const { spir, find } = load(message([RED, GREEN]));
  spir.say("picked colour", { run: "other", entry: 0 });
  assert.equal(find(".spir-note").textContent, "");
  spir.say("picked colour", { run: "k", entry: 1 });
  assert.equal(find(".spir-note").textContent, "That is glass.");
  assert.deepEqual(find(".spir-fields").children.map((item) => item.classList.contains("picked")), [false, true]);
});

test("the colours as CSS and JSON", () => {
  const { asCss, asJson } = load().functions;
  assert.equal(asCss(["Rims & bolts 2", "glass"], [RED, BLUE]), ":root {\n  --rims-bolts-2: #ff0000;\n  --glass: #0000ff;\n}");
  assert.deepEqual(JSON.parse(asJson(["body paint", "glass"], [RED, BLUE])), { "body paint": RED, glass: BLUE });
});

test("copying says whether it worked", async () => {
  let copied = null;
  const navigator = { clipboard: { writeText: async (text) => (copied = text) } }, setTimeout = () => {};
  const widget = load(message([RED]), { navigator, setTimeout });
  widget.find(".css").dispatch("click");
  await widget.settle();
  assert.match(copied, /--body-paint: #ff0000/);
  assert.equal(widget.find(".css").textContent, "Copied");
  navigator.clipboard.writeText = () => Promise.reject(new Error("denied"));
  widget.find(".json").dispatch("click");
  await widget.settle();
  assert.equal(widget.find(".json").textContent, "The browser forbids it");
});
