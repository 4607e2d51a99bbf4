// The mesh in the visitor's colours: the weights of its vertices are kept here, so that no server is asked.
const PAUSE_MS = 120; // Without a new colour for so long, the viewers are given a new mesh: they are slow to load one.

// One colour a vertex, three numbers in [0, 1]: weights @ palette, where the weights of a vertex sum to 255.
function vertexColours(weights, values, palette) {
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

const srgbToLinear = (x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);

// A copy of the GLB with other colours. spir/outputs/export/plain.py writes COLOR_0 as float32 in linear light.
function recolouredGlb(glb, colours) {
  const copy = glb.slice(0), view = new DataView(copy);
  // Header of 12 bytes, then chunks: length, kind, content. The first is JSON, the second binary.
  const jsonLength = view.getUint32(12, true);
  const gltf = JSON.parse(new TextDecoder().decode(new Uint8Array(copy, 20, jsonLength)));
  const accessor = gltf.accessors[gltf.meshes[0].primitives[0].attributes.COLOR_0];
  if (accessor.count * 3 !== colours.length) throw new Error("these are not the colours of this mesh");
  const start = 20 + jsonLength + 8 + (gltf.bufferViews[accessor.bufferView].byteOffset || 0);
  new Float32Array(copy, start, colours.length).set(colours.map(srgbToLinear));
  return copy;
}

// A copy of what gr.Plot shows with other colours.
function recolouredPlot(plot, colours) {
  const figure = JSON.parse(plot.plot);
  const byte = (at) => Math.round(255 * colours[at]);
  figure.data[0].vertexcolor = Array.from(
    { length: colours.length / 3 },
    (_, i) => `rgb(${byte(3 * i)},${byte(3 * i + 1)},${byte(3 * i + 2)})`,
  );
  return { ...plot, plot: JSON.stringify(figure) };
}

async function inflate(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The viewer tells a file's kind by its ending or by the start of a data URI; the address of a blob has neither.
function dataUri(glb) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error("the mesh could not be read"));
    reader.readAsDataURL(new Blob([glb], { type: "model/gltf-binary" }));
  });
}

const note = element.querySelector(".spir-meshing");
let run = "", hint = "", staleHint = "", values = 0, weights = null, glb = null, timer = null;
let palette = null, shownPalette = ""; // The second as JSON: what the viewers show now.

const upToDate = () => !palette || JSON.stringify(palette) === shownPalette;

async function recolouredViewer(viewer, colours) {
  if (!glb) glb = await (await fetch(viewer.url)).arrayBuffer();
  return { ...viewer, url: await dataUri(recolouredGlb(glb, colours)) };
}

// Called by the event that our `input` starts (REPAINT in Python); a viewer without a mesh stays without.
window.spir.repaintMesh = async (viewer, plot) => {
  if (!weights || !palette) return [viewer, plot];
  const colours = vertexColours(weights, values, palette);
  shownPalette = JSON.stringify(palette);
  note.dataset.painted = shownPalette;
  return [
    viewer && viewer.url ? await recolouredViewer(viewer, colours) : viewer,
    plot && plot.plot ? recolouredPlot(plot, colours) : plot,
  ];
};

// Only the server can recolour a textured mesh, which has no weights: here we say that it shows earlier colours.
function requestRepaint() {
  if (staleHint) note.textContent = upToDate() ? hint : staleHint;
  if (!weights || upToDate()) return;
  clearTimeout(timer);
  timer = setTimeout(() => trigger("input"), PAUSE_MS);
}

async function receive() {
  const value = props.value || {};
  note.textContent = hint = value.note || "";
  staleHint = value.stale || "";
  run = note.dataset.run = value.run || "";
  values = value.values || 0;
  shownPalette = JSON.stringify((value.colours || []).map(window.spir.hexToRgb));
  glb = null;
  weights = null;
  if (!value.weights) return requestRepaint();
  weights = await inflate(value.weights);
  requestRepaint();
}

window.spir.on("palette", element, (message) => {
  if (!run || message.run !== run) return;
  palette = message.colours;
  requestRepaint();
});
watch("value", receive);
receive();
