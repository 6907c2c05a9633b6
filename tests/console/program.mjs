// A program beside the browser: calls the API with keys that the console has issued.

import { createHmac, randomUUID } from 'node:crypto';

/** Issues a pair in the name of the administrator, for the first application there is; gives the keys. */
export async function issueKeys(visitor) {
    const { page, users } = visitor;
    await page.getByRole('link', { name: 'Applications' }).first().click();
    await page.locator('table.rows th a').first().click();
    const application = page.url();
    await page.getByLabel('In the name of').fill(users.administrator.address);
    await page.getByRole('button', { name: 'Issue' }).click();
    const text = (id) => page.locator(`#${id}`).textContent();
    const [accessKey, secretKey, example] = await Promise.all(['access-key', 'secret-key', 'first-call'].map(text));
    const [, appId, appKey] = example.match(/app_id, app_key = "(.*)", "(.*)"/);
    return { application, accessKey, secretKey, appId, appKey };
}

/** Calls a path with a body; gives the status. */
export async function call(url, keys, path, body, userAgent = 'story/1.0') {
    // The clock of a server under test stands still.
    const now = new Date(process.env.MATRICULA_CONSOLE_NOW ?? Date.now());
    const date = now.toUTCString().replace('GMT', 'UTC');
    const id = randomUUID();
    const signature = createHmac('sha1', Buffer.from(keys.secretKey, 'base64'))
        .update(`${date}:${id}:${path}:${keys.appKey}`)
        .digest('base64');
    const headers = {
        'authorization': `MC ${keys.accessKey}:${signature}`,
        'x-mc-date': date, 'x-mc-req-id': id, 'x-mc-app-id': keys.appId,
        'content-type': 'application/json', 'user-agent': userAgent,
    };
    const answer = await fetch(new URL(path, url), { method: 'POST', headers, body });
    await answer.text();
    return answer.status;
}

/** The body of a call that creates a user. */
export const user = (address) => JSON.stringify({ data: [{ emailAddress: address }] });
