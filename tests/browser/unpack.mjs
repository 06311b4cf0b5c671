// Unpacks the Chromium of the package, its libraries and fonts into the folder that is named. The fonts are the only ones
// that this Chromium then sees, so that pages break their lines alike on every machine.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

const folder = resolve(process.argv[2]);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
process.env.TMPDIR = folder; // where the package unpacks
process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs20.x"; // with the libraries that Lambda lacks
const { default: chromium } = await import("@sparticuz/chromium");
await chromium.executablePath();
const fonts = resolve(import.meta.dirname, "node_modules/dejavu-fonts-ttf/ttf");
writeFileSync(`${folder}/fonts.conf`, `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>${fonts}</dir><dir>${folder}/fonts/fonts</dir><cachedir>${folder}/fonts-cache</cachedir>
<alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
<alias><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
</fontconfig>
`);
