// Turns Grafana's published TypeScript types into JSON schema.
// stdin: {"types": folder of the .d.ts files, "scratch": a folder for the entry file, "panels": {panel type: folder}}
// stdout: {"dashboard"|"link"|"fields"|"variable": schema, "panels": {panel type: {"options"|"custom": schema}}}
// Runs in the folder whose node_modules holds the generator.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const packages = createRequire(join(process.cwd(), "package.json"));
const { createGenerator } = await import(packages.resolve("ts-json-schema-generator"));
const { types, scratch, panels } = JSON.parse(readFileSync(0, "utf8"));

// One program for all types: every further program would parse Grafana's thousands of lines again.
const lines = [];
const wanted = [];
const want = (alias, name, file) => {
  lines.push(`import type { ${name} as ${alias}_ } from "${file}"; export type ${alias} = ${alias}_;`);
  wanted.push(alias);
};

want("Root", "Dashboard", join(types, "raw/dashboard/x/types.gen"));
// The second version of the dashboard knows what the first leaves open: what a link is, and two more keys.
want("Link", "DataLink", join(types, "schema/dashboard/v2/types.spec.gen"));
want("Fields", "FieldConfig", join(types, "schema/dashboard/v2/types.spec.gen"));
want("Variable", "QueryVariableSpec", join(types, "schema/dashboard/v2/types.spec.gen"));
const panelTypes = Object.keys(panels).sort();
const parts = { options: "Options", custom: "FieldConfig" };
for (const [index, type] of panelTypes.entries()) {
  const file = join(types, "raw/composable", panels[type], "panelcfg/x/types.gen");
  if (!existsSync(`${file}.d.ts`)) throw new Error(`no types for the panel ${type}: ${file}.d.ts is missing`);
  const text = readFileSync(`${file}.d.ts`, "utf8");
  for (const [part, name] of Object.entries(parts)) {
    if (new RegExp(`^export interface ${name} `, "m").test(text)) want(`${part}${index}`, name, file);
  }
}

const entry = join(scratch, "entry.ts");
const tsconfig = join(scratch, "tsconfig.json");
writeFileSync(entry, lines.join("\n"));
writeFileSync(tsconfig, JSON.stringify({
  compilerOptions: { module: "esnext", moduleResolution: "bundler", target: "es2022", strict: true, types: [] },
  files: [entry],
}));
const generator = createGenerator({
  path: entry, tsconfig, type: "*", expose: "export", topRef: true, jsDoc: "none", additionalProperties: false,
  // Grafana's own types name packages that are not published with them; what we take doesn't depend on these.
  skipTypeCheck: true,
});
const made = Object.fromEntries(wanted.map((alias) => [alias, generator.createSchema(alias)]));
process.stdout.write(JSON.stringify({
  dashboard: made.Root,
  link: made.Link,
  fields: made.Fields,
  variable: made.Variable,
  panels: Object.fromEntries(panelTypes.map((type, index) => [type, Object.fromEntries(
    Object.keys(parts).filter((part) => made[`${part}${index}`]).map((part) => [part, made[`${part}${index}`]]),
  )])),
}));
