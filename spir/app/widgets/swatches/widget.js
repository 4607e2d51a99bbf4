// One colour field per palette entry. A change is said to whatever paints; nothing is sent.
const find = (selector) => element.querySelector(selector);
const fields = find(".spir-fields");
let run = "", names = [], found = [], colours = [], locked = [];

function hsl([r, g, b]) {
  const [R, G, B] = [r / 255, g / 255, b / 255];
  const high = Math.max(R, G, B), low = Math.min(R, G, B), span = high - low, light = (high + low) / 2;
  if (!span) return [0, 0, light];
  const turn = high === R ? ((G - B) / span + 6) % 6 : high === G ? (B - R) / span + 2 : (R - G) / span + 4;
  return [turn * 60, span / (1 - Math.abs(2 * light - 1)), light];
}

function rgb([hue, saturation, light]) {
  const part = (n) => {
    const k = (n + (((hue % 360) + 360) % 360) / 30) % 12;
    return 255 * (light - saturation * Math.min(light, 1 - light) * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [part(0), part(8), part(4)];
}

function say() {
  props.value = { run, colours };
  find(".reset").disabled = colours.every((colour, i) => colour === found[i]);
  spir.say("palette", { run, colours: colours.map(spir.rgb) });
}

function set(next) {
  colours = next.map((colour, i) => (locked[i] ? colours[i] : colour));
  fields.querySelectorAll("input[type=color]").forEach((input, i) => (input.value = colours[i]));
  say();
}

// Greys stay grey: a tyre in a harmony of hues is still a tyre.
const HARMONIES = { analogous: [0, 30, -30], complementary: [0, 180], triadic: [0, 120, 240], mono: [0] };
const VIVID = 0.12;
function harmonised(kind) {
  const [hue] = hsl(spir.rgb(colours[0]));
  const turns = HARMONIES[kind];
  let next = 0;
  return colours.map((colour) => {
    const [, saturation, light] = hsl(spir.rgb(colour));
    if (saturation * (1 - Math.abs(2 * light - 1)) < VIVID) return colour;
    return spir.hex(rgb([hue + turns[next++ % turns.length], saturation, light]));
  });
}

function shuffled() {
  const free = colours.map((_, i) => i).filter((i) => !locked[i]);
  const order = [...free];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  const next = [...colours];
  free.forEach((to, i) => (next[to] = colours[order[i]]));
  return next;
}

function build() {
  fields.replaceChildren(
    ...names.map((name, i) => {
      const item = document.createElement("li"), label = document.createElement("label");
      const input = document.createElement("input"), lock = document.createElement("button");
      input.type = "color";
      input.value = colours[i];
      input.addEventListener("input", () => {
        colours = colours.map((colour, j) => (j === i ? input.value : colour));
        say();
      });
      label.append(input, document.createTextNode(name));
      lock.type = "button";
      lock.className = "lock";
      lock.addEventListener("click", () => {
        locked[i] = !locked[i];
        show();
      });
      const show = () => {
        lock.textContent = locked[i] ? "locked" : "lock";
        lock.setAttribute("aria-pressed", String(Boolean(locked[i])));
        lock.setAttribute("aria-label", `Lock ${name}`);
      };
      show();
      item.append(label, lock);
      return item;
    }),
  );
}

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

const slug = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, "-");

function take() {
  const value = props.value || {};
  if (value.colours) return; // Our own.
  if (value.borrowed) {
    if (value.run === run) set(value.borrowed);
    return;
  }
  if (value.note !== undefined) find(".spir-note").textContent = value.note;
  const same = value.run === run && names.length === value.names.length;
  const kept = colours;
  if (!same) locked = [];
  run = value.run;
  names = value.names;
  found = value.found;
  colours = found.map((colour, i) => (same && locked[i] ? kept[i] : colour));
  find(".tools").hidden = !names.length;
  build();
  if (names.length) say();
}

find(".shuffle").addEventListener("click", () => set(shuffled()));
find(".harmony").addEventListener("change", (event) => {
  if (event.target.value) set(harmonised(event.target.value));
  event.target.value = "";
});
find(".reset").addEventListener("click", () => {
  locked = locked.map(() => false);
  set(found);
  build();
});
find(".css").addEventListener("click", (event) =>
  copy(`:root {\n${names.map((name, i) => `  --${slug(name)}: ${colours[i]};`).join("\n")}\n}`, event.target),
);
find(".json").addEventListener("click", (event) =>
  copy(JSON.stringify(Object.fromEntries(names.map((name, i) => [name, colours[i]])), null, 1), event.target),
);
spir.on("picked colour", element, (picked) => {
  const item = fields.children[picked.entry];
  if (picked.run !== run || !item) return;
  [...fields.children].forEach((other) => other.classList.toggle("picked", other === item));
  item.querySelector("input").focus({ preventScroll: false });
  find(".spir-note").textContent = `That is ${names[picked.entry]}.`;
});
spir.on("renamed", element, ({ from, to }) => {
  if (run !== from || !to) return;
  run = to;
  say();
});
watch("value", take);
take();
