// Keys are issued, used, and one sees by whom.

import assert from 'node:assert/strict';

import { call, issueKeys, user } from '../program.mjs';

export default async function (visitor) {
    const { page } = visitor;
    await visitor.signIn();
    const keys = await issueKeys(visitor);
    await visitor.looksAround('keys-issued');
    await page.goto(keys.application);
    const row = page.locator('tr', { hasText: `${keys.accessKey.slice(0, 12)}…` });
    assert.match(await row.textContent(), /never used/);

    const url = page.url();
    assert.equal(await call(url, keys, '/api/user/create-user', user('by-keys@example.com'), 'payroll/2.1'), 200);
    assert.equal(await call(url, keys, '/api/user/create-user', 'no body', 'payroll/2.1'), 400);
    await page.reload();
    assert.match(await row.textContent(), /payroll\/2\.1, from 127\.0\.0\.1\s+2 requests, 50 % refused; last err_deserialise/);
    await visitor.looksAround('application');

    // The user in whose name they are has them, too.
    await row.getByRole('link').click();
    const own = page.locator('tr', { hasText: `${keys.accessKey.slice(0, 12)}…` });
    assert.match(await own.textContent(), /payroll/);
    await visitor.looksAround();
    await page.getByRole('link', { name: 'Applications' }).first().click();
    await visitor.looksAround('applications');
}
