// What all widgets of the page share, as `window.spir`: messages between widgets, colours, and pictures that the
// browser paints from weights and a palette. Loaded in the head of the page, before any widget.
window.spir = (() => {
  // --- messages between widgets
  const latest = new Map(), listeners = new Map();

  // `callback` gets every message of that name, at once the latest one, because widgets load in any order.
  function on(name, element, callback) {
    listeners.set(name, [...(listeners.get(name) || []), { element, callback }]);
    if (latest.has(name)) callback(latest.get(name));
  }

  // Listeners whose element has left the page are dropped: Gradio replaces widgets without telling them.
  function say(name, message) {
    latest.set(name, message);
    const connected = (listeners.get(name) || []).filter(({ element }) => element.isConnected);
    listeners.set(name, connected);
    connected.forEach(({ callback }) => callback(message));
  }

  // --- colours
  const hexToRgb = (hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));

  const toByte = (level) => Math.round(Math.min(255, Math.max(0, level)));
  const rgbToHex = (levels) => "#" + levels.map((level) => toByte(level).toString(16).padStart(2, "0")).join("");

  // --- pictures
  function loadImage(source) {
    return new Promise((resolve, reject) => {
      const image = new Image();
      image.onload = () => resolve(image);
      image.onerror = () => reject(new Error("a picture could not be read"));
      image.src = source;
    });
  }

  // The layout of spir/outputs/attention_maps.py: a pixel's weights are the colours of tiles side by side, three
  // weights a tile. `pixels` is RGBA.
  function readWeights(pixels, width, height, values) {
    const tiles = Math.ceil(values / 3), weights = new Uint8Array(width * height * values);
    for (let y = 0, to = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let k = 0; k < values; k++, to++)
          weights[to] = pixels[4 * (y * tiles * width + Math.floor(k / 3) * width + x) + (k % 3)];
    return weights;
  }

  // A picture holds several views, one below the other.
  async function loadViews(source, values, height) {
    const image = await loadImage(source), width = image.width / Math.ceil(values / 3);
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = height;
    const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
    const views = [];
    for (let top = 0; top + height <= image.height; top += height) {
      context.globalCompositeOperation = "copy"; // Replaces the previous view, transparent pixels included.
      context.drawImage(image, 0, -top);
      const pixels = context.getImageData(0, 0, image.width, height).data;
      views.push({ width, height, values, weights: readWeights(pixels, width, height, values) });
    }
    return views;
  }

  // Rendering is linear in the palette: rgb * alpha = weights @ palette, alpha = the sum of the weights. Canvas data
  // is not premultiplied, hence the division. `pixels` is RGBA and zero before.
  function mixPixels({ values, weights }, palette, pixels) {
    const flat = Float32Array.from(palette.flat());
    for (let to = 0, at = 0; at < weights.length; to += 4) {
      let red = 0, green = 0, blue = 0, alpha = 0;
      for (let k = 0; k < values; k++, at++) {
        const weight = weights[at];
        if (!weight) continue;
        alpha += weight;
        red += weight * flat[3 * k];
        green += weight * flat[3 * k + 1];
        blue += weight * flat[3 * k + 2];
      }
      if (!alpha) continue;
      pixels[to] = red / alpha;
      pixels[to + 1] = green / alpha;
      pixels[to + 2] = blue / alpha;
      pixels[to + 3] = alpha;
    }
  }

  function paint(canvas, view, palette) {
    const { width, height } = view;
    // Setting a size clears the canvas even where it stays the same.
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d"), picture = context.createImageData(width, height);
    mixPixels(view, palette, picture.data);
    context.putImageData(picture, 0, 0);
  }

  // The palette entry with the largest weight at a place of a view, x and y in [0, 1]; -1 beside the object.
  function entryAt(view, x, y) {
    const column = Math.min(view.width - 1, Math.floor(x * view.width));
    const row = Math.min(view.height - 1, Math.floor(y * view.height));
    const start = (row * view.width + column) * view.values;
    const weights = view.weights.subarray(start, start + view.values);
    const largest = Math.max(...weights);
    return largest ? weights.indexOf(largest) : -1;
  }

  // --- the page as a whole
  // A saved ZIP may be dropped anywhere: the file goes into the hidden field of the button that opens one.
  const droppedZip = (event) => [...(event.dataTransfer?.files || [])].find((file) => /\.zip$/i.test(file.name));
  document.addEventListener("dragover", (event) => {
    if ([...(event.dataTransfer?.items || [])].some((item) => item.type.includes("zip"))) event.preventDefault();
  });
  document.addEventListener(
    "drop",
    (event) => {
      const file = droppedZip(event), field = document.querySelector("input[type=file][accept*='.zip']");
      if (!file || !field) return;
      event.preventDefault();
      event.stopPropagation();
      const transfer = new DataTransfer(); // The only way to set the files of a field.
      transfer.items.add(file);
      field.files = transfer.files;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    },
    true, // Before the photo field, which would take the ZIP for a photo.
  );

  // Gradio labels its empty panels but gives them no role; screen readers ignore a label without one.
  new MutationObserver(() => {
    for (const panel of document.querySelectorAll(".empty[aria-label]:not([role])")) panel.setAttribute("role", "img");
  }).observe(document, { childList: true, subtree: true });

  return { on, say, hexToRgb, rgbToHex, loadImage, loadViews, paint, entryAt };
})();
