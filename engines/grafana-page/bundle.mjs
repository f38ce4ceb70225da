// Bundles the page. Runs in the folder whose node_modules holds the packages: node bundle.mjs SOURCES OUT
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [sources, out] = process.argv.slice(2).map((path) => resolve(path));
const here = process.cwd();
const { build } = createRequire(join(here, "package.json"))("esbuild");
await build({
  entryPoints: [join(sources, "page.jsx")],
  outfile: out,
  bundle: true,
  format: "iife",
  platform: "browser",
  jsx: "automatic",
  minify: true,
  nodePaths: [join(here, "node_modules")],
  plugins: [{
    name: "scrollbars",
    setup: (made) => made.onResolve({ filter: /^react-custom-scrollbars-2$/ }, () => ({ path: join(sources, "scrollbars.js") })),
  }],
  conditions: ["import", "module", "browser"],
  mainFields: ["module", "browser", "main"],
  define: { "process.env.NODE_ENV": '"production"', "process.env": "{}", global: "window" },
  loader: { ".svg": "text", ".woff": "dataurl", ".woff2": "dataurl", ".ttf": "dataurl" },
  logLevel: "error",
});
