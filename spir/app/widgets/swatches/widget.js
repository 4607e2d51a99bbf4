// One colour field per palette entry. A change is announced to whatever paints; no server is asked.
const TURNS = { analogous: [0, 30, -30], complementary: [0, 180], triadic: [0, 120, 240], mono: [0] }; // Degrees.
const VIVID = 0.12; // Least chroma of what a harmony changes: greys stay grey, a tyre is still a tyre.

// Bytes -> hue in degrees, saturation and lightness in [0, 1].
function rgbToHsl(bytes) {
  const [r, g, b] = bytes.map((byte) => byte / 255);
  const high = Math.max(r, g, b), low = Math.min(r, g, b), chroma = high - low, light = (high + low) / 2;
  if (!chroma) return [0, 0, light];
  const sextant = high === r ? ((g - b) / chroma + 6) % 6 : high === g ? (b - r) / chroma + 2 : (r - g) / chroma + 4;
  return [sextant * 60, chroma / (1 - Math.abs(2 * light - 1)), light];
}

// The inverse, for a hue of any number of turns; not rounded.
function hslToRgb([hue, saturation, light]) {
  const channel = (n) => {
    const k = (n + (((hue % 360) + 360) % 360) / 30) % 12;
    return 255 * (light - saturation * Math.min(light, 1 - light) * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [channel(0), channel(8), channel(4)];
}

// The vivid colours take turns in the hues of the harmony, which starts at the hue of the first colour.
function harmonise(colours, kind) {
  const [baseHue] = rgbToHsl(spir.hexToRgb(colours[0])), turns = TURNS[kind];
  let next = 0;
  return colours.map((colour) => {
    const [, saturation, light] = rgbToHsl(spir.hexToRgb(colour));
    const chroma = saturation * (1 - Math.abs(2 * light - 1));
    if (chroma < VIVID) return colour;
    return spir.rgbToHex(hslToRgb([baseHue + turns[next++ % turns.length], saturation, light]));
  });
}

// The colours that are not locked in another order (Fisher-Yates).
function shuffle(colours, locked) {
  const free = colours.map((_, i) => i).filter((i) => !locked[i]);
  const order = [...free];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  const shuffled = [...colours];
  free.forEach((to, i) => (shuffled[to] = colours[order[i]]));
  return shuffled;
}

const keepLocked = (next, current, locked) => next.map((colour, i) => (locked[i] ? current[i] : colour));

const slug = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
const asCss = (names, colours) => `:root {\n${names.map((name, i) => `  --${slug(name)}: ${colours[i]};`).join("\n")}\n}`;
const asJson = (names, colours) => JSON.stringify(Object.fromEntries(names.map((name, i) => [name, colours[i]])), null, 1);

const find = (selector) => element.querySelector(selector);
const fields = find(".spir-fields");
let run = "", names = [], found = [], colours = [], locked = [];

// The value is for Python, which reads it with the next event that asks.
function announce() {
  props.value = { run, colours };
  find(".reset").disabled = colours.every((colour, i) => colour === found[i]);
  spir.say("palette", { run, colours: colours.map(spir.hexToRgb) });
}

function setColours(next) {
  colours = keepLocked(next, colours, locked);
  fields.querySelectorAll("input[type=color]").forEach((input, i) => (input.value = colours[i]));
  announce();
}

function colourField(name, i) {
  const item = document.createElement("li"), label = document.createElement("label");
  const input = document.createElement("input"), lock = document.createElement("button");
  input.type = "color";
  input.value = colours[i];
  input.addEventListener("input", () => {
    colours = colours.map((colour, j) => (j === i ? input.value : colour));
    announce();
  });
  label.append(input, document.createTextNode(name));
  lock.type = "button";
  lock.className = "lock";
  lock.addEventListener("click", () => {
    locked[i] = !locked[i];
    showLock();
  });
  const showLock = () => {
    lock.textContent = locked[i] ? "locked" : "lock";
    lock.setAttribute("aria-pressed", String(Boolean(locked[i])));
    lock.setAttribute("aria-label", `Lock ${name}`);
  };
  showLock();
  item.append(label, lock);
  return item;
}

const buildFields = () => fields.replaceChildren(...names.map(colourField));

async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The browser forbids it";
  }
  setTimeout(() => (button.textContent = before), 1500);
}

function receive() {
  const value = props.value || {};
  if (value.colours) return; // Our own value, from `announce`.
  if (value.borrowed) {
    if (value.run === run) setColours(value.borrowed);
    return;
  }
  if (value.note !== undefined) find(".spir-note").textContent = value.note;
  // Locked colours outlive another step of the same run.
  const sameRun = value.run === run && names.length === value.names.length;
  if (!sameRun) locked = [];
  run = value.run;
  names = value.names;
  found = value.found;
  colours = keepLocked(found, colours, locked);
  find(".tools").hidden = !names.length;
  buildFields();
  if (names.length) announce();
}

find(".shuffle").addEventListener("click", () => setColours(shuffle(colours, locked)));
find(".harmony").addEventListener("change", (event) => {
  if (event.target.value) setColours(harmonise(colours, event.target.value));
  event.target.value = ""; // So that the same harmony can be chosen again.
});
find(".reset").addEventListener("click", () => {
  locked = locked.map(() => false);
  setColours(found);
  buildFields();
});
find(".css").addEventListener("click", (event) => copy(asCss(names, colours), event.target));
find(".json").addEventListener("click", (event) => copy(asJson(names, colours), event.target));
spir.on("picked colour", element, (picked) => {
  const item = fields.children[picked.entry];
  if (picked.run !== run || !item) return;
  [...fields.children].forEach((other) => other.classList.toggle("picked", other === item));
  item.querySelector("input").focus({ preventScroll: false });
  find(".spir-note").textContent = `That is ${names[picked.entry]}.`;
});
// The example that the page opened with has become the visitor's own run, under another key.
spir.on("renamed", element, ({ from, to }) => {
  if (run !== from || !to) return;
  run = to;
  announce();
});
watch("value", receive);
receive();
