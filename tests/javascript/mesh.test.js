const assert = require("node:assert/strict");
const { test } = require("node:test");
const zlib = require("node:zlib");
const { loadWidget } = require("./page.js");

const NAMES = ["vertexColours", "srgbToLinear", "recolouredGlb", "recolouredPlot"];
const WEIGHTS = Uint8Array.from([255, 0, 51, 204]); // Two vertices, two entries.
const PALETTE = [[255, 0, 0], [0, 0, 255]];
const near = (found, expected) => {
  assert.equal(found.length, expected.length);
  found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-6, `${found} is not ${expected}`));
};

// A GLB with a position and a colour a vertex, as far as colours go: positions 7, colours 0.
function glb(vertices = 2) {
  const bytes = 12 * vertices;
  let json = JSON.stringify({
    meshes: [{ primitives: [{ attributes: { POSITION: 0, COLOR_0: 1 } }] }],
    accessors: [{ bufferView: 0, count: vertices }, { bufferView: 1, count: vertices }],
    bufferViews: [{ byteLength: bytes }, { byteOffset: bytes, byteLength: bytes }],
  });
  json = json.padEnd(Math.ceil(json.length / 4) * 4);
  const file = new ArrayBuffer(20 + json.length + 8 + 2 * bytes), view = new DataView(file);
  view.setUint32(12, json.length, true);
  new Uint8Array(file).set(new TextEncoder().encode(json), 20);
  view.setUint32(20 + json.length, 2 * bytes, true);
  new Float32Array(file, 28 + json.length, 3 * vertices).fill(7);
  return file;
}

const floats = (file) => new Float32Array(file.slice(-48));

class FakeReader {
  async readAsDataURL(blob) {
    const bytes = Buffer.from(await blob.arrayBuffer());
    this.result = `data:${blob.type};base64,${bytes.toString("base64")}`;
    this.onload();
  }
}

function load(value) {
  const pauses = [], fetched = [];
  const widget = loadWidget(["mesh/widget.js"], {
    names: NAMES,
    value,
    globals: {
      setTimeout: (callback, delay) => pauses.push({ callback, delay }),
      clearTimeout: () => pauses.splice(0),
      FileReader: FakeReader,
      fetch: async (url) => {
        fetched.push(url);
        return { arrayBuffer: async () => glb() };
      },
    },
  });
  return { ...widget, pauses, fetched, note: widget.find(".spir-meshing") };
}

const meshed = {
  run: "k",
  values: 2,
  weights: zlib.deflateSync(WEIGHTS).toString("base64"),
  colours: ["#ff0000", "#0000ff"],
  note: "made",
};

test("a vertex has the palette's colours by its weights", () => {
  const { vertexColours } = load().functions;
  near(vertexColours(WEIGHTS, 2, PALETTE), [1, 0, 0, 0.2, 0, 0.8]);
  near(vertexColours(WEIGHTS, 2, [[51, 102, 153], [51, 102, 153]]), [0.2, 0.4, 0.6, 0.2, 0.4, 0.6]);
});

test("sRGB to linear light", () => {
  near([0, 0.04045, 0.5, 1].map(load().functions.srgbToLinear), [0, 0.04045 / 12.92, 0.2140411, 1]);
});

test("a GLB gets other colours, in linear light, and nothing else changes", () => {
  const { recolouredGlb } = load().functions, file = glb();
  const copy = recolouredGlb(file, Float32Array.from([1, 0, 0, 0, 0.5, 1]));
  near(floats(copy), [7, 7, 7, 7, 7, 7, 1, 0, 0, 0, 0.2140411, 1]);
  near(floats(file), [7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(Buffer.from(copy.slice(0, -24)), Buffer.from(file.slice(0, -24)));
  assert.throws(() => recolouredGlb(glb(3), new Float32Array(6)), /not the colours/);
});

test("a plot gets other colours and keeps the rest", () => {
  const { recolouredPlot } = load().functions;
  const plot = { type: "plotly", plot: JSON.stringify({ data: [{ x: [1], vertexcolor: ["rgb(0,0,0)"] }], layout: { a: 1 } }) };
  const { plot: text, ...rest } = recolouredPlot(plot, [1, 0, 0.5, 0, 0.2, 0]);
  assert.deepEqual(rest, { type: "plotly" });
  assert.deepEqual(JSON.parse(text), { data: [{ x: [1], vertexcolor: ["rgb(255,0,128)", "rgb(0,51,0)"] }], layout: { a: 1 } });
});

test("a new palette repaints after a pause, and once", async () => {
  const widget = load();
  await widget.receive(meshed);
  const say = (run, colours) => widget.spir.say("palette", { run, colours });
  say("other", [[9, 9, 9], [9, 9, 9]]);
  say("k", PALETTE);
  assert.equal(widget.pauses.length, 0, "these are its colours already");
  say("k", [[9, 9, 9], [9, 9, 9]]);
  say("k", [[0, 255, 0], [0, 0, 255]]);
  assert.equal(widget.pauses.length, 1);
  widget.pauses.pop().callback();
  assert.deepEqual(widget.sent.map(({ event }) => event), ["input"]);
  const viewer = { url: "file.glb", meta: 1 }, plot = { plot: JSON.stringify({ data: [{}] }) };
  const [shown, plotted] = await widget.spir.repaintMesh(viewer, plot);
  const bytes = Buffer.from(shown.url.split("data:model/gltf-binary;base64,")[1], "base64");
  near(new Float32Array(new Uint8Array(bytes.subarray(-24)).buffer), [0, 1, 0, 0, 0.0331048, 0.6038274]);
  assert.equal(shown.meta, 1);
  assert.deepEqual(JSON.parse(plotted.plot).data[0].vertexcolor, ["rgb(0,255,0)", "rgb(0,51,204)"]);
  say("k", [[0, 255, 0], [0, 0, 255]]);
  assert.equal(widget.pauses.length, 0, "painted already");
  await widget.spir.repaintMesh(viewer, plot);
  assert.deepEqual(widget.fetched, ["file.glb"], "the file is fetched once");
});

test("nothing is repainted without a mesh", async () => {
  const widget = load({ run: "k", note: "" }), viewer = { url: "file.glb" };
  widget.spir.say("palette", { run: "k", colours: PALETTE });
  assert.deepEqual(await widget.spir.repaintMesh(viewer, null), [viewer, null]);
  await widget.receive(meshed);
  assert.deepEqual(await widget.spir.repaintMesh(null, { plot: "" }), [null, { plot: "" }]);
});

test("a picture on the mesh says when its colours are old", async () => {
  const widget = load();
  await widget.receive({ run: "k", colours: ["#ff0000"], note: "made", stale: "old" });
  widget.spir.say("palette", { run: "k", colours: [[0, 0, 0]] });
  assert.equal(widget.note.textContent, "old");
  widget.spir.say("palette", { run: "k", colours: [[255, 0, 0]] });
  assert.equal(widget.note.textContent, "made");
  assert.equal(widget.pauses.length, 0);
});
