// A program is refused: the journal says what it sent, and sends it again.

import assert from 'node:assert/strict';

import { call, issueKeys, user } from '../program.mjs';

export default async function (visitor) {
    const { page } = visitor;
    await visitor.signIn();
    const keys = await issueKeys(visitor);
    const wrong = { ...keys, appKey: keys.appId };
    const body = user('again@example.com');
    assert.equal(await call(page.url(), wrong, '/api/user/create-user', body, '<b onclick="x">odd</b>'), 401);
    await page.getByRole('link', { name: 'Request journal' }).click();
    await visitor.looksAround('journal');

    // It is found as one types.
    await page.getByLabel('Anything in it').pressSequentially('again@example');
    const row = page.locator('#rows tbody tr');
    await page.waitForURL(/q=again%40example/);
    await row.waitFor();
    await row.getByRole('link').click();
    await page.waitForURL(/journal\/\d+/);
    const text = await page.locator('main').textContent();
    assert.match(text, /user-agent: <b onclick="x">odd<\/b>/);
    assert.match(text, /curl -i -g --path-as-is -X POST/);
    await visitor.looksAround('request');

    await page.getByRole('button', { name: 'Signed again' }).click();
    await page.getByRole('status').waitFor();
    assert.match(await page.locator('main').textContent(), /Sent again[^]*200[^]*again@example\.com/);
    await visitor.looksAround();
}
