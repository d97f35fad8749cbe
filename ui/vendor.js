// Copies the files we ship from their npm packages, draws the icon sprite and writes static/vendor.json:
// name, version, licence and sha256 of each, which a test compares with what is really there.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);

// [package, file inside it, file in the repository, licence, licence file in the package, its copy]
const files = [
  ["@fontsource-variable/ibm-plex-sans", "files/ibm-plex-sans-latin-wght-normal.woff2", "static/fonts/plex-sans-latin.woff2", "OFL-1.1", "static/licences/ibm-plex-sans.txt"],
  ["@fontsource-variable/ibm-plex-sans", "files/ibm-plex-sans-latin-ext-wght-normal.woff2", "static/fonts/plex-sans-latin-ext.woff2", "OFL-1.1", "static/licences/ibm-plex-sans.txt"],
  ["@fontsource/ibm-plex-sans-arabic", "files/ibm-plex-sans-arabic-arabic-400-normal.woff2", "static/fonts/plex-arabic-400.woff2", "OFL-1.1", "static/licences/ibm-plex-sans-arabic.txt"],
  ["@fontsource/ibm-plex-sans-arabic", "files/ibm-plex-sans-arabic-arabic-600-normal.woff2", "static/fonts/plex-arabic-600.woff2", "OFL-1.1", "static/licences/ibm-plex-sans-arabic.txt"],
  ["@fontsource/ibm-plex-mono", "files/ibm-plex-mono-latin-400-normal.woff2", "static/fonts/plex-mono-latin-400.woff2", "OFL-1.1", "static/licences/ibm-plex-mono.txt"],
  ["axe-core", "axe.min.js", "tests/pages/vendor/axe.min.js", "MPL-2.0", "tests/pages/vendor/axe-core-licence.txt"],
  ["uplot", "dist/uPlot.iife.min.js", "static/uplot.min.js", "MIT", "static/licences/uplot.txt"],
  ["uplot", "dist/uPlot.min.css", "static/uplot.min.css", "MIT", "static/licences/uplot.txt"],
];

// Only the shapes a template or a Python module names; a test keeps the two lists equal.
const icons = readFileSync(join(here, "icons.txt"), "utf8").split(/\s+/).filter(Boolean).sort();

const sha256 = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");
const inPackage = (name, file) => join(here, "node_modules", name, file);
const version = (name) => JSON.parse(readFileSync(inPackage(name, "package.json"), "utf8")).version;

function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

function symbol(name) {
  const svg = readFileSync(inPackage("lucide-static", `icons/${name}.svg`), "utf8");
  const shapes = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
  return `<symbol id="${name}" viewBox="0 0 24 24">${shapes.replace(/\s*\n\s*/g, "").replaceAll(" />", "/>")}</symbol>`;
}

const listed = [];
for (const [name, from, to, licence, licenceCopy] of files) {
  copy(inPackage(name, from), join(root, to));
  copy(inPackage(name, "LICENSE"), join(root, licenceCopy));
  listed.push({ file: to, package: name, version: version(name), licence, licence_file: licenceCopy, sha256: sha256(join(root, to)) });
}

const lucide = version("lucide-static");
const credit = `<!-- Shapes: lucide ${lucide}, ISC licence, (c) Lucide Contributors; some (c) Cole Bemis (Feather), MIT -->`;
writeFileSync(join(root, "static/icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${credit}\n${icons.map(symbol).join("\n")}\n</svg>\n`);
copy(inPackage("lucide-static", "LICENSE"), join(root, "static/licences/lucide.txt"));
listed.push({ file: "static/icons.svg", package: "lucide-static", version: lucide, licence: "ISC", licence_file: "static/licences/lucide.txt", sha256: sha256(join(root, "static/icons.svg")) });

// What the build puts into app.css; its sha256 would change with every class name, so it has none.
for (const name of ["tailwindcss", "daisyui"]) {
  const licenceCopy = `static/licences/${name}.txt`;
  copy(inPackage(name, "LICENSE"), join(root, licenceCopy));
  listed.push({ file: "static/app.css", package: name, version: version(name), licence: "MIT", licence_file: licenceCopy, sha256: null });
}
writeFileSync(join(root, "static/vendor.json"), `${JSON.stringify(listed, null, 2)}\n`);
