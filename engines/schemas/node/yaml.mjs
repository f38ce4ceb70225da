// Reads a YAML file, named as the first argument, and writes its documents as one JSON list.
// Runs in the folder whose node_modules holds the package yaml.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { parseAllDocuments } = createRequire(join(process.cwd(), "package.json"))("yaml");
const documents = parseAllDocuments(readFileSync(process.argv[2], "utf8"));
const broken = documents.flatMap((document) => document.errors);
if (broken.length) throw new Error(broken[0].message);
const values = documents.map((document) => document.toJS());
process.stdout.write(JSON.stringify(values.filter((value) => value !== null)));
