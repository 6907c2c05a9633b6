// The list is searched as one types; a user is created, edited, locked and let in again, reset, and goes.

import assert from 'node:assert/strict';

export default async function users(visitor) {
    const { page } = visitor;
    await visitor.signIn();
    await page.getByRole('link', { name: 'Users', exact: true }).click();
    await page.getByRole('heading', { name: 'Users' }).waitFor();
    await visitor.looksAround('users');

    // As one types, with the keyboard alone.
    await page.keyboard.press('/');
    await page.keyboard.type('öberg');
    await page.getByRole('link', { name: 'person1@example.com' }).waitFor();
    await page.getByText('1 found').waitFor();
    assert.match(page.url(), /q=%C3%B6berg/);
    await page.getByRole('searchbox').fill('nobody like that');
    await page.getByRole('heading', { name: 'No users found' }).waitFor();
    await page.getByRole('searchbox').fill('');
    await page.getByText(/users, aliases counted/).waitFor();
    await page.getByRole('link', { name: 'Next' }).click();
    await page.getByRole('link', { name: 'Back' }).waitFor();
    await page.getByLabel('State').selectOption({ label: 'administrators' });
    await page.getByRole('link', { name: 'admin@example.com' }).waitFor();

    await page.getByRole('link', { name: 'New user' }).click();
    await visitor.looksAround('new-user');
    await page.getByLabel('Address').fill('ann@elsewhere.example');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('alert').getByText('not an internal domain').waitFor();
    await visitor.isAccessible();
    await page.getByLabel('Address').fill('ann.lee@example.com');
    await page.getByLabel('Name').fill('Ann Lee');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name: 'ann.lee@example.com is created' }).waitFor();
    assert.match(await page.locator('#password').textContent(), /^\S{5}(-\S{5}){3}$/);
    await visitor.looksAround();
    await page.getByRole('link', { name: 'To the user' }).click();

    // A time is shown in the reader's zone, and is exact on hover.
    const time = page.locator('dl.facts time').first();
    assert.match(await time.getAttribute('title'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.doesNotMatch(await time.textContent(), /UTC/);

    await page.getByLabel('Name').fill('Ann Lee-Smith');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    await page.getByRole('button', { name: 'Lock', exact: true }).click();
    await page.getByText('Locked.').waitFor();
    await visitor.looksAround('user');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Unlocked.').waitFor();
    await page.getByLabel('Another address').fill('a.lee@example.com');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('button', { name: 'Remove a.lee@example.com' }).waitFor();
    await page.getByRole('button', { name: 'Reset password' }).click();
    await page.getByText('Copy this password now').waitFor();
    await visitor.looksAround('password-reset');
    await page.getByRole('link', { name: 'To the user' }).click();
    await page.getByText('user.password_set').waitFor();

    // What can't be undone is typed.
    await page.getByRole('link', { name: 'Remove …' }).click();
    await visitor.looksAround('remove-user');
    const remove = page.getByRole('button', { name: 'Remove now' });
    assert.equal(await remove.isDisabled(), true);
    await page.getByLabel(/to confirm/).fill('ann.lee@example.com');
    await remove.click();
    await page.getByText('The user is removed.').waitFor();

    // Many at once, and back again.
    await page.getByRole('searchbox').fill('person');
    await page.getByText('4 found').waitFor();
    await page.getByLabel('Select all on this page').check();
    await page.getByLabel(/selected/).selectOption({ label: 'Lock' });
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('heading', { name: '4 users changed' }).waitFor();
    await visitor.looksAround('bulk');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('heading', { name: '4 users changed' }).waitFor();
    await page.getByRole('link', { name: 'To the users' }).click();
    await page.getByLabel('State').selectOption({ label: 'locked', exact: true });
    await page.getByRole('heading', { name: 'No users found' }).waitFor();
    await page.getByRole('link', { name: 'Show all' }).click();

    const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'Export all' }).click(),
    ]);
    const { readFile } = await import('node:fs/promises');
    const lines = (await readFile(await file.path(), 'utf8')).trim().split('\r\n');
    assert.ok(lines.length > 120 && lines.some((line) => line.startsWith('"person0@example.com","Ann Lee"')));
}
