// Lints the page's JavaScript and its tests. Without a bundler a widget is the body of a function that Gradio makes,
// so the names it is given are declared here; browser globals are listed one by one, because the full list contains
// `name`, `event`, `open` and `find`, which would hide misspelt variables.
const js = require("@eslint/js");

const readonly = (...names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

const BROWSER = readonly(
  "atob", "Blob", "clearInterval", "clearTimeout", "DataTransfer", "DecompressionStream", "document", "Event", "fetch",
  "FileReader", "Image", "ImageData", "matchMedia", "MutationObserver", "navigator", "Option", "requestAnimationFrame",
  "Response", "setInterval", "setTimeout", "TextDecoder", "window",
);
// gradio/templates/frontend: Function("element", "trigger", "props", "server", "upload", "watch", js_on_load)
const GRADIO = readonly("element", "trigger", "props", "server", "upload", "watch");
const NODE = readonly(
  "__dirname", "Blob", "Buffer", "Event", "module", "require", "setImmediate", "setTimeout", "TextEncoder",
);
// Python joins cutout/mask.js and cutout/widget.js into one body: the second uses what the first declares.
const MASK = ["drawBrush", "drawMask", "imagePixels", "maskToPng", "paintLine", "readMask", "sameMask"];

const RULES = {
  ...js.configs.recommended.rules,
  eqeqeq: "error",
  "no-unused-vars": "error",
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-const": "error",
};

const script = (files, globals, rules = {}) => ({
  files,
  languageOptions: {
    ecmaVersion: 2022,
    sourceType: "script",
    globals,
    // Function bodies: their variables are local, whatever `window` has under the same name.
    parserOptions: { ecmaFeatures: { globalReturn: true } },
  },
  linterOptions: { reportUnusedDisableDirectives: "error" },
  rules: { ...RULES, ...rules },
});

const WIDGET = { ...BROWSER, ...GRADIO, spir: "readonly" };

module.exports = [
  script(["spir/app/page.js"], BROWSER),
  script(["spir/app/widgets/**/*.js"], WIDGET),
  script(["spir/app/widgets/cutout/widget.js"], { ...WIDGET, ...readonly(...MASK) }),
  script(["spir/app/widgets/cutout/mask.js"], WIDGET, {
    "no-unused-vars": ["error", { varsIgnorePattern: `^(${MASK.join("|")})$` }],
  }),
  script(["tests/javascript/*.js", "eslint.config.js"], NODE),
];
