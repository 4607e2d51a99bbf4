// The mesh in the visitor's colours: its vertices' weights are kept here, and no server is asked.
const note = element.querySelector(".spir-meshing");
const PAUSE = 120; // Milliseconds without a new colour before the viewers are given a new mesh.
let run = "", told = "", stale = "", values = 0, weights = null, painted = "", wanted = null, timer = null, file = null;

async function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Every vertex in [0, 1], three numbers each; its weights sum to 255.
function mixed(palette) {
  const flat = Float32Array.from(palette.flat(), (level) => level / (255 * 255));
  const count = weights.length / values, colours = new Float32Array(3 * count);
  for (let vertex = 0, at = 0; vertex < count; vertex++)
    for (let k = 0; k < values; k++, at++) {
      const weight = weights[at];
      if (!weight) continue;
      for (let c = 0; c < 3; c++) colours[3 * vertex + c] += weight * flat[3 * k + c];
    }
  return colours;
}

const linear = (x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);

// A copy of spir/outputs/export/plain.py's GLB with other colours: COLOR_0 is float32, linear light.
function coloured(file, colours) {
  const copy = file.slice(0), view = new DataView(copy);
  const length = view.getUint32(12, true);
  const parts = JSON.parse(new TextDecoder().decode(new Uint8Array(copy, 20, length)));
  const accessor = parts.accessors[parts.meshes[0].primitives[0].attributes.COLOR_0];
  if (accessor.count * 3 !== colours.length) throw new Error("these are not the colours of this mesh");
  const start = 20 + length + 8 + (parts.bufferViews[accessor.bufferView].byteOffset || 0);
  new Float32Array(copy, start, colours.length).set(colours.map(linear));
  return copy;
}

// The viewer goes by the ending of a name, which a blob's address has none of; of a data URI it reads the beginning.
function address(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(new Error("the mesh could not be read"));
    reader.readAsDataURL(new Blob([file], { type: "model/gltf-binary" }));
  });
}

async function viewed(viewer, colours) {
  if (!file) file = await (await fetch(viewer.url)).arrayBuffer();
  return { ...viewer, url: await address(coloured(file, colours)) };
}

function plotted(plot, colours) {
  const drawn = JSON.parse(plot.plot);
  const level = (at) => Math.round(255 * colours[at]);
  drawn.data[0].vertexcolor = Array.from(
    { length: colours.length / 3 },
    (_, i) => `rgb(${level(3 * i)},${level(3 * i + 1)},${level(3 * i + 2)})`,
  );
  return { ...plot, plot: JSON.stringify(drawn) };
}

// Asked by the event that our `input` starts; a viewer without a mesh stays without.
window.spir.repaintMesh = async (viewer, plot) => {
  if (!weights || !wanted) return [viewer, plot];
  const colours = mixed(wanted);
  painted = JSON.stringify(wanted);
  note.dataset.painted = painted;
  return [viewer && viewer.url ? await viewed(viewer, colours) : viewer, plot && plot.plot ? plotted(plot, colours) : plot];
};

// A picture on the mesh is the server's to colour: we only say that it is of earlier colours.
function repaint() {
  if (stale) note.textContent = !wanted || JSON.stringify(wanted) === painted ? told : stale;
  if (!weights || !wanted || JSON.stringify(wanted) === painted) return;
  clearTimeout(timer);
  timer = setTimeout(() => trigger("input"), PAUSE);
}

async function take() {
  const value = props.value || {};
  note.textContent = told = value.note || "";
  stale = value.stale || "";
  run = note.dataset.run = value.run || "";
  values = value.values || 0;
  painted = JSON.stringify((value.colours || []).map(window.spir.rgb));
  file = null;
  weights = null;
  if (!value.weights) return repaint();
  weights = await inflated(value.weights);
  repaint();
}

window.spir.on("palette", element, (said) => {
  if (!run || said.run !== run) return;
  wanted = said.colours;
  repaint();
});
watch("value", take);
take();
