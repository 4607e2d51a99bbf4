// Loads the page's scripts into Node as the browser and Gradio would, with a fake document of the few parts they use.
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const APP = path.join(__dirname, "..", "..", "spir", "app");

// An element: children are looked up by selector and made when first asked for; lists must be given beforehand.
class FakeElement {
  constructor(lists = {}) {
    Object.assign(this, { lists, found: {}, listeners: {}, attributes: {}, dataset: {}, children: [] });
    Object.assign(this, { isConnected: true, hidden: false, value: "", textContent: "" });
    this.style = { setProperty: (name, value) => (this.style[name] = value) };
    const classes = new Set();
    this.classList = {
      add: (name) => classes.add(name),
      remove: (name) => classes.delete(name),
      toggle: (name, on) => (on ? classes.add(name) : classes.delete(name)),
      contains: (name) => classes.has(name),
    };
  }

  querySelector(selector) {
    return (this.found[selector] ??= new FakeCanvas()); // Any may turn out to be a canvas.
  }

  querySelectorAll(selector) {
    return this.lists[selector] || [];
  }

  get nextElementSibling() {
    return this.querySelector("+");
  }

  setAttribute(name, value) {
    this.attributes[name] = String(value);
  }

  getAttribute(name) {
    return this.attributes[name] ?? null;
  }

  removeAttribute(name) {
    delete this.attributes[name];
    delete this[name];
  }

  append(...children) {
    this.children.push(...children);
  }

  replaceChildren(...children) {
    this.children = children;
  }

  addEventListener(type, listener) {
    (this.listeners[type] ??= []).push(listener);
  }

  // Returns whether a listener prevented the default.
  dispatch(type, fields = {}) {
    let prevented = false;
    const event = { target: this, currentTarget: this, preventDefault: () => (prevented = true), ...fields };
    (this.listeners[type] || []).forEach((listener) => listener(event));
    return prevented;
  }

  getBoundingClientRect() {
    return { left: 0, top: 0, width: this.width, height: this.height };
  }

  focus() {
    this.focused = true;
  }

  setPointerCapture() {}
}

class FakeImageData {
  constructor(width, height, data = new Uint8ClampedArray(4 * width * height)) {
    Object.assign(this, { width, height, data });
  }
}

// Draws and reads pixels without scaling or blending; lines are only counted.
class FakeCanvas extends FakeElement {
  width = 1;
  height = 1;
  strokes = 0;
  picture = null;

  getContext() {
    const canvas = this;
    const nothing = () => {};
    return {
      beginPath: nothing, arc: nothing, moveTo: nothing, lineTo: nothing,
      stroke: () => canvas.strokes++,
      createImageData: (width, height) => new FakeImageData(width, height),
      putImageData: (picture) => (canvas.picture = picture),
      drawImage: (image, left, top) => (canvas.drawn = { image, left, top }),
      getImageData(x, y, width, height) {
        const { image, top } = canvas.drawn;
        const start = 4 * image.width * (y - top);
        return new FakeImageData(width, height, image.data.slice(start, start + 4 * width * height));
      },
    };
  }

  toDataURL() {
    return { ...this.picture };
  }
}

// What the browser would find under an address: tests put pixels here, some with a `delay` in milliseconds.
const images = new Map();

class FakeImage {
  set src(source) {
    const found = images.get(source);
    Object.assign(this, found);
    const done = () => (found ? this.onload() : this.onerror());
    if (found?.delay) setTimeout(done, found.delay);
    else setImmediate(done);
  }
}

const picture = (width, height, data, delay = 0) => ({ width, height, data: Uint8ClampedArray.from(data), delay });

function fakeDocument() {
  const made = new FakeElement();
  made.createElement = (tag) => (tag === "canvas" ? new FakeCanvas() : new FakeElement());
  made.createElementNS = () => new FakeElement();
  made.createTextNode = (text) => text;
  return made;
}

const run = (files, globals) => {
  const texts = files.map((file) => fs.readFileSync(path.join(APP, file), "utf8"));
  return (ending) =>
    vm.compileFunction(texts.join("") + ending, Object.keys(globals), { filename: path.join(APP, files.at(-1)) })(
      ...Object.values(globals),
    );
};

// page.js -> { spir, document }
function loadPage() {
  const window = {}, document = fakeDocument();
  class MutationObserver {
    observe() {}
  }
  class DataTransfer {
    files = [];
    items = { add: (file) => this.files.push(file) };
  }
  run(["page.js"], { window, document, Image: FakeImage, MutationObserver, DataTransfer, Event })("");
  return { spir: window.spir, document };
}

// A widget with its functions by name (`names`), and the ways in which the page speaks with it.
function loadWidget(files, { names = [], value, lists, prepare = () => {}, globals = {}, page = loadPage() } = {}) {
  const element = new FakeElement(lists), props = { value }, sent = [];
  prepare(element);
  let onValue = null;
  const body = run(files.map((file) => `widgets/${file}`), {
    element,
    props,
    trigger: (event) => sent.push({ event, value: props.value }),
    watch: (_, callback) => (onValue = callback),
    spir: page.spir,
    window: { spir: page.spir },
    document: page.document,
    ImageData: FakeImageData,
    requestAnimationFrame: setImmediate,
    ...globals,
  });
  const functions = body(`\nreturn { ${names.join(", ")} };`);
  // As Python does: the value changes, then the widget is told.
  const receive = (next) => {
    props.value = next;
    return onValue();
  };
  // Until all pictures without a delay are there, or `milliseconds` later.
  const settle = async (milliseconds = 0) => {
    if (milliseconds) await new Promise((done) => setTimeout(done, milliseconds));
    for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  };
  return { ...page, element, props, sent, receive, settle, functions, find: (selector) => element.querySelector(selector) };
}

module.exports = { FakeCanvas, FakeElement, images, loadPage, loadWidget, picture };
