// Somebody comes back from lunch and wants to know whether the integrations are well.

import assert from 'node:assert/strict';

import { call, issueKeys, user } from '../program.mjs';

export default async function (visitor) {
    const { page } = visitor;
    await visitor.signIn('partner');
    await visitor.looksAround();
    await visitor.signIn();
    const keys = await issueKeys(visitor);
    for (let n = 0; n < 12; n += 1) {
        await call(page.url(), keys, '/api/user/create-user', user(`lunch${n}@example.com`));
    }
    await call(page.url(), keys, '/api/user/create-user', user('lunch@elsewhere.example'));
    await call(page.url(), { ...keys, appKey: keys.appId }, '/api/user/create-user', user('lunch@example.com'));
    await page.getByRole('link', { name: 'Overview' }).click();
    assert.equal(await page.getByRole('img', { name: /^Requests in the last hour/ }).count(), 1);
    assert.equal(await page.locator('svg.chart').count(), 4);
    assert.match(await page.locator('main').textContent(), /err_xdk_invalid_signature/);
    await visitor.looksAround('overview');

    await page.getByLabel('Application').selectOption({ value: keys.appId });
    await page.getByLabel('Time').selectOption('the last day');
    await page.getByRole('button', { name: 'Show' }).click();
    assert.match(page.url(), new RegExp(`application=${keys.appId}&span=day`));
    assert.equal(await page.getByRole('img', { name: /^Requests in the last day/ }).count(), 1);
    // From a code to the requests that were refused with it.
    await page.getByRole('link', { name: 'err_xdk_operation_forbidden_for_address' }).click();
    assert.match(await page.locator('#rows').textContent(), /create-user/);
}
