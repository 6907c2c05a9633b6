// Programs of both generations are registered, and make the first call that they are shown; keys are rotated and revoked.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { call, user } from '../program.mjs';

const run = promisify(execFile);

export default async function applications(visitor) {
    const { page } = visitor;
    await visitor.signIn();
    await page.getByRole('link', { name: 'Applications', exact: true }).click();
    const register = (version) => page.locator('form', { hasText: `Register an application of API ${version}` });
    await register('1.0').getByLabel('Name').fill('Onboarding');
    await register('1.0').getByRole('button', { name: 'Register' }).click();
    await page.getByRole('heading', { name: 'Onboarding is registered' }).waitFor();
    await visitor.looksAround('application-registered');
    const shown = async (id) => (await page.locator(`#${id}`).textContent()).trim();
    const keys = { appId: await shown('app-id'), appKey: await shown('app-key') };
    await page.getByRole('link', { name: 'Issue it keys' }).click();
    await page.getByRole('heading', { name: 'No key pair yet' }).waitFor();
    await page.getByLabel('In the name of').fill('admin@example.com');
    await page.getByLabel('Ends in days').fill('10');
    await page.getByRole('button', { name: 'Issue', exact: true }).click();
    const old = { ...keys, accessKey: await shown('access-key'), secretKey: await shown('secret-key') };

    // What is shown is what runs. The clock of the server stands still on some day: the call is made on that day.
    const now = process.env.MATRICULA_CONSOLE_NOW;
    const onThatDay = `import time\ntime.time = lambda: ${Date.parse(now) / 1000}\n`;
    const first = await run('python3', ['-c', onThatDay + await page.locator('#first-call').textContent()]);
    assert.match(first.stdout, /"emailAddress":\s*"first\.user@example\.com","id"/);

    // The old pair works on beside the new one, and then no more.
    await page.getByRole('link', { name: 'To the application' }).click();
    await page.getByText('1 key pair ends soon').waitFor();
    const url = page.url();
    await page.getByText('Rotate, revoke').click();
    await page.getByLabel(/works on for/).fill('2');
    await page.getByRole('button', { name: 'Rotate' }).click();
    await page.getByText('The old pair works until').waitFor();
    const fresh = { ...keys, accessKey: await shown('access-key'), secretKey: await shown('secret-key') };
    for (const [n, pair] of [old, fresh].entries()) {
        assert.equal(await call(url, pair, '/api/user/create-user', user(`rotated${n}@example.com`), 'test'), 200);
    }
    await page.getByRole('link', { name: 'To the application' }).click();
    const row = page.locator('tr', { hasText: `${old.accessKey.slice(0, 12)}…` });
    await row.getByText('Rotate, revoke').click();
    await row.getByRole('button', { name: /Revoke now/ }).click();
    await page.getByText('The key pair is revoked').waitFor();
    assert.equal(await call(url, old, '/api/user/create-user', user('late@example.com'), 'test'), 401);
    assert.equal(await call(url, fresh, '/api/user/create-user', user('in-time@example.com'), 'test'), 200);

    await page.getByLabel(/to confirm/).fill('Onboarding');
    await page.getByRole('button', { name: 'Disable', exact: true }).click();
    await page.getByText('The application is disabled').waitFor();
    assert.equal(await call(url, fresh, '/api/user/create-user', user('later@example.com'), 'test'), 401);

    await register('2.0').getByLabel('Name').fill('Sync');
    await register('2.0').locator('select[name=role]').selectOption({ label: 'Basic Administrator' });
    await register('2.0').getByRole('button', { name: 'Register' }).click();
    await page.getByRole('heading', { name: 'Sync is registered' }).waitFor();
    await visitor.looksAround('client-registered');
    const second = await run('sh', ['-c', await page.locator('#first-call').textContent()]);
    assert.match(second.stdout, /admin@example\.com/);

    // A token for SCIM is issued, makes the call that is shown, and is revoked.
    await page.getByRole('link', { name: 'To the application', exact: true }).click();
    await page.getByRole('heading', { name: 'Sync', exact: true }).waitFor();
    await page.getByLabel('Ends in days').fill('30');
    await page.getByRole('button', { name: 'Issue', exact: true }).click();
    await page.getByRole('heading', { name: 'A token for Sync' }).waitFor();
    await visitor.looksAround();
    const scim = await page.locator('#first-call').textContent();
    assert.match((await run('sh', ['-c', scim])).stdout, /"totalResults"/);
    await page.getByRole('link', { name: 'To the application', exact: true }).click();
    await page.getByLabel('Domain of user names').selectOption('example.com');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The settings are changed').waitFor();
    await visitor.looksAround();
    await page.getByRole('button', { name: /Revoke the token/ }).click();
    await page.getByText('Nothing has been changed yet').waitFor();
    await visitor.looksAround();
    await page.getByRole('button', { name: 'Revoke now' }).click();
    await page.getByText('The token is revoked').waitFor();
    await page.getByLabel(/to confirm/).fill('Sync');
    await page.getByRole('button', { name: 'Disable', exact: true }).click();
    await page.getByText('The application is disabled').waitFor();
}
