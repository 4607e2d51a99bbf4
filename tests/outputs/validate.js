// What Khronos's own validator says of GLB files: `node validate.js FILE...` prints one JSON report a line.
const { readFileSync } = require("fs");
const { validateBytes } = require("gltf-validator");

(async () => {
  for (const file of process.argv.slice(2)) {
    const report = await validateBytes(new Uint8Array(readFileSync(file)));
    console.log(JSON.stringify(report.issues));
  }
})();
