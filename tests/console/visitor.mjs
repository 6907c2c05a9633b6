// Somebody in front of a browser, and what must hold of every page that they see.

import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';

import { interactive, show, unreached } from './keyboard.mjs';

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 360, height: 740 };
const SCHEMES = ['light', 'dark'];

export class Visitor {
    /** The page of the browser; anything that playwright can do with it. */
    page;

    #context;
    #site;
    #trouble = [];

    /** A visitor whom the server has never seen. */
    static async enter(browser, site) {
        const visitor = new Visitor();
        visitor.#site = site;
        visitor.#context = await browser.newContext({ baseURL: site.url, viewport: WIDE, reducedMotion: 'reduce' });
        visitor.page = await visitor.#context.newPage();
        visitor.page.setDefaultTimeout(20_000);
        visitor.page.on('pageerror', (error) => visitor.#trouble.push(`a script failed: ${error}`));
        visitor.page.on('console', (message) => {
            // What the server refuses on purpose is told there too; it is the story's to say whether it was meant.
            const refused = message.text().startsWith('Failed to load resource');
            // A search that was typed on while the answer was on its way.
            const overtaken = /^htmx:(sendAbort|afterRequest),/.test(message.text());
            if (message.type() === 'error' && !refused && !overtaken) visitor.#trouble.push(`the browser complains: ${message.text()}`);
        });
        visitor.page.on('response', (response) => {
            if (response.status() >= 500) visitor.#trouble.push(`${response.status()} for ${response.url()}`);
        });
        return visitor;
    }

    async leave() {
        await this.#context.close();
    }

    /** Whoever may sign in, by what they are called: address and password. */
    get users() {
        return this.#site.users;
    }

    async open(path) {
        return this.page.goto(path);
    }

    /** Signs in by the form, and waits for the page behind it. */
    async signIn(who = 'administrator') {
        const { address, password } = this.users[who];
        await this.open('/console/sign-in');
        await this.page.locator('[name=address]').fill(address);
        await this.page.locator('[name=password]').fill(password);
        await this.page.locator('[name=password]').press('Enter');
        await this.page.waitForURL((url) => url.pathname !== '/console/sign-in');
    }

    /** Checks everything that must hold of every page, and takes its pictures. */
    async looksAround(name) {
        await this.isAccessible();
        await this.fitsNarrowScreens();
        await this.worksByKeyboard();
        if (name) await this.isPictured(name);
    }

    /** Fails on what axe finds serious or critical, in light and in dark. */
    async isAccessible() {
        for (const colorScheme of SCHEMES) {
            await this.page.emulateMedia({ colorScheme });
            // Through the debugger: the page's own policy on scripts stays in force.
            await this.page.evaluate(await readFile(this.#site.axe, 'utf8'));
            const { violations } = await this.page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
            const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
            const told = bad.map(({ id, impact, help, nodes }) =>
                `${impact}: ${id}: ${help}\n${nodes.map((node) => `    ${node.html}\n    ${node.failureSummary}`).join('\n')}`);
            assert.equal(bad.length, 0, `${this.page.url()} in ${colorScheme}:\n${told.join('\n')}`);
        }
        await this.page.emulateMedia({ colorScheme: 'light' });
    }

    /** Fails when the page scrolls sideways on a narrow screen. */
    async fitsNarrowScreens() {
        await this.page.setViewportSize(NARROW);
        const [width, wide] = await this.page.evaluate(() => {
            const room = document.documentElement.clientWidth;
            const wide = [...document.body.querySelectorAll('*')]
                .filter((element) => element.getBoundingClientRect().right > room + 0.5)
                .map((element) => element.outerHTML.slice(0, 120));
            return [document.documentElement.scrollWidth, wide];
        });
        await this.page.setViewportSize(WIDE);
        assert.ok(width <= NARROW.width, `${this.page.url()} is ${width} px wide at ${NARROW.width} px:\n${wide.slice(0, 5).join('\n')}`);
    }

    /** Goes from one to the next with the tab key: everything can be reached, and it is seen where one is. */
    async worksByKeyboard() {
        const things = await this.page.evaluate(interactive);
        const hidden = new Set();
        // Some lie in groups of which one is reached; the end of the page leads around the browser back to its start.
        for (let n = 0; n < things + 10; n += 1) {
            await this.page.keyboard.press('Tab');
            const unseen = await this.page.evaluate(show);
            if (unseen) hidden.add(unseen);
        }
        const missed = await this.page.evaluate(unreached);
        assert.deepEqual(missed, [], `${this.page.url()}: not to be reached by keyboard`);
        assert.deepEqual([...hidden], [], `${this.page.url()}: not to be seen when it has the focus`);
    }

    /** Takes the pictures of this name that a document shows, if pictures are to be updated. */
    async isPictured(name) {
        const { pictures, pictured } = this.#site;
        for (const colorScheme of SCHEMES) {
            const file = `${name}-${colorScheme}.png`;
            if (!pictured.has(file)) continue;
            await mkdir(pictures, { recursive: true });
            await this.page.evaluate(() => document.activeElement?.blur());
            await this.page.emulateMedia({ colorScheme });
            await this.page.screenshot({ path: `${pictures}/${file}`, animations: 'disabled' });
        }
        await this.page.emulateMedia({ colorScheme: 'light' });
    }

    /** Fails when something went wrong that nobody looked at. */
    hadNoTrouble() {
        assert.deepEqual(this.#trouble, []);
    }
}
