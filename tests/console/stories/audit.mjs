// The audit is searched as one types, verified, and taken along.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

export default async function audit(visitor) {
    const { page } = visitor;
    await visitor.signIn();
    await page.getByRole('link', { name: 'Audit', exact: true }).click();
    await page.getByRole('cell', { name: 'user.logged_in' }).first().waitFor();
    await visitor.looksAround('audit');
    await page.getByLabel('Action').fill('user.created');
    await page.getByLabel('Target').fill('person2');
    await page.getByRole('rowheader', { name: 'person2@example.com' }).waitFor();
    const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'Export JSON' }).click(),
    ]);
    const events = (await readFile(await file.path(), 'utf8')).trim().split('\n').map((line) => JSON.parse(line));
    assert.ok(events.length > 100 && events.every(({ hash }) => hash.length === 64));
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText('The audit is complete').waitFor();
}
