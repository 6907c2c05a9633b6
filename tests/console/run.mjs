// Walks through the console in a real browser, story by story: each file in stories/ exports an async function, which gets
// a visitor of its own (visitor.mjs).
//
//   node tests/console/run.mjs [STORY…]
//
// crates/server/tests/browser.rs starts a server and runs this. The environment says where the server is
// (MATRICULA_CONSOLE_URL) and who may sign in (MATRICULA_CONSOLE_USERS: by what they are called, each with an address and a
// password, as JSON); what time it is there, if its clock stands still (MATRICULA_CONSOLE_NOW); where Node.js finds its
// packages, if not in .test-tools (MATRICULA_BROWSER_MODULES); and which browser to start (MATRICULA_BROWSER). With
// MATRICULA_UPDATE=1 the pictures that docs/CONSOLE.md shows are taken again.

import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { Visitor } from './visitor.mjs';

const here = new URL('.', import.meta.url);
const modules = process.env.MATRICULA_BROWSER_MODULES
    ?? fileURLToPath(new URL('../../.test-tools/browser/node_modules', here));
const require = createRequire(`${modules}/`);
const { chromium } = require('playwright-core');

const folder = new URL('stories/', here);
const docs = new URL('../../docs/', here);
const shown = (await readFile(new URL('CONSOLE.md', docs), 'utf8')).matchAll(/\(console\/([a-z-]+\.png)\)/g);

const site = {
    url: process.env.MATRICULA_CONSOLE_URL,
    users: JSON.parse(process.env.MATRICULA_CONSOLE_USERS ?? '{}'),
    axe: require.resolve('axe-core/axe.min.js'),
    /** Where pictures are written, and the names of those that are taken. */
    pictures: fileURLToPath(new URL('console', docs)),
    pictured: new Set(process.env.MATRICULA_UPDATE === '1' ? [...shown].map(([, file]) => file) : []),
};

const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const all = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith('.mjs')).sort();
const asked = process.argv.slice(2);
const stories = all.filter((file) => asked.length === 0 || asked.some((name) => file === `${name}.mjs`));

const browser = await chromium.launch({ executablePath: process.env.MATRICULA_BROWSER ?? '/usr/bin/chromium', args });
let failed = 0;
for (const file of stories) {
    const visitor = await Visitor.enter(browser, site);
    try {
        const { default: story } = await import(new URL(file, folder));
        await story(visitor);
        visitor.hadNoTrouble();
        console.log(`ok      ${file}`);
    } catch (error) {
        failed += 1;
        console.log(`FAILED  ${file} at ${visitor.page.url()}\n${error.stack ?? error}`);
    } finally {
        await visitor.leave();
    }
}
await browser.close();
console.log(`${stories.length - failed} of ${stories.length} stories as told`);
process.exitCode = failed === 0 ? 0 : 1;
