// What the page's pieces share in the browser: a notice board, and views painted from the weights of their colours.
window.spir = (() => {
  const latest = new Map(), listeners = new Map();

  // The piece `element` hears of `name` from now on, and at once of what was last said; gone pieces are forgotten.
  function on(name, element, hear) {
    const all = listeners.get(name) || [];
    listeners.set(name, [...all, { element, hear }]);
    if (latest.has(name)) hear(latest.get(name));
  }

  function say(name, detail) {
    latest.set(name, detail);
    const alive = (listeners.get(name) || []).filter(({ element }) => element.isConnected);
    listeners.set(name, alive);
    alive.forEach(({ hear }) => hear(detail));
  }

  const rgb = (hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
  const hex = (levels) =>
    "#" + levels.map((level) => Math.round(Math.min(255, Math.max(0, level))).toString(16).padStart(2, "0")).join("");

  function loaded(source) {
    return new Promise((done, failed) => {
      const image = new Image();
      image.onload = () => done(image);
      image.onerror = () => failed(new Error("a picture could not be read"));
      image.src = source;
    });
  }

  // spir/outputs/attention_maps.py: views below one another, each `values` weights in tiles of three, side by side.
  async function unpack(source, values, height) {
    const image = await loaded(source);
    const tiles = Math.ceil(values / 3), width = image.width / tiles;
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = height;
    const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
    const views = [];
    for (let top = 0; top + height <= image.height; top += height) {
      context.globalCompositeOperation = "copy";
      context.drawImage(image, 0, -top);
      const page = context.getImageData(0, 0, image.width, height).data;
      const weights = new Uint8Array(width * height * values);
      for (let y = 0, to = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          for (let k = 0; k < values; k++, to++)
            weights[to] = page[4 * (y * image.width + Math.floor(k / 3) * width + x) + (k % 3)];
      views.push({ width, height, values, weights });
    }
    return views;
  }

  // Rendering is linear in the palette: rgb = weights @ palette, alpha = the sum of the weights.
  function paint(canvas, view, palette) {
    const { width, height, values, weights } = view;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d");
    const picture = context.createImageData(width, height), data = picture.data;
    const flat = Float32Array.from(palette.flat());
    for (let pixel = 0, at = 0; pixel < width * height; pixel++) {
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
      const to = 4 * pixel;
      data[to] = red / alpha;
      data[to + 1] = green / alpha;
      data[to + 2] = blue / alpha;
      data[to + 3] = alpha;
    }
    context.putImageData(picture, 0, 0);
  }

  // The entry that counts most at a place of a view, x and y in [0, 1]; -1 beside the object.
  function entryAt(view, x, y) {
    const column = Math.min(view.width - 1, Math.floor(x * view.width));
    const row = Math.min(view.height - 1, Math.floor(y * view.height));
    const start = (row * view.width + column) * view.values;
    const here = view.weights.subarray(start, start + view.values);
    const most = Math.max(...here);
    return most ? here.indexOf(most) : -1;
  }

  // A saved ZIP may be dropped anywhere: it goes the way of the button that opens one.
  const saved = (event) => [...(event.dataTransfer?.files || [])].find((file) => /\.zip$/i.test(file.name));
  document.addEventListener("dragover", (event) => {
    if ([...(event.dataTransfer?.items || [])].some((item) => item.type.includes("zip"))) event.preventDefault();
  });
  document.addEventListener(
    "drop",
    (event) => {
      const file = saved(event), field = document.querySelector("input[type=file][accept*='.zip']");
      if (!file || !field) return;
      event.preventDefault();
      event.stopPropagation();
      const carried = new DataTransfer();
      carried.items.add(file);
      field.files = carried.files;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    },
    true,
  );

  // Gradio names its empty panels without a role, and a name without one is not read out.
  new MutationObserver(() => {
    for (const panel of document.querySelectorAll(".empty[aria-label]:not([role])")) panel.setAttribute("role", "img");
  }).observe(document, { childList: true, subtree: true });

  return { on, say, rgb, hex, loaded, unpack, paint, entryAt };
})();
