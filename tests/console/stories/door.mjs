// Signing in, being turned away, a forced change on the way in, signing out.

import assert from 'node:assert/strict';

export default async function door(visitor) {
    const { page } = visitor;
    await visitor.open('/console');
    assert.equal(await page.title(), 'Sign in · Matricula');
    await visitor.looksAround('sign-in');
    await page.getByLabel('Address').fill('admin@example.com');
    await page.getByLabel('Password').fill('not this one');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('The address or the password is wrong').waitFor();

    await visitor.signIn();
    await page.getByRole('heading', { level: 1 }).waitFor();
    // A page that is asked for before comes after.
    const users = await page.getByRole('link', { name: 'Users', exact: true }).getAttribute('href');
    await page.locator('details.me summary').click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    await visitor.open(users);
    assert.equal(new URL(page.url()).pathname, '/console/sign-in');
    await visitor.signIn();

    // A one-time password must be changed on the way in.
    await visitor.open(`${users}/new`);
    await page.getByLabel('Address').fill('newcomer@example.com');
    await page.getByRole('button', { name: 'Create' }).click();
    const password = await page.locator('#password').textContent();
    await page.getByRole('link', { name: 'To the user' }).click();
    await page.locator('select[name=role]').selectOption({ label: 'Basic Administrator' });
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await page.getByText('The role is set.').waitFor();
    await page.locator('details.me summary').click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Address').fill('newcomer@example.com');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Your password must be changed before you can sign in.').waitFor();
    await visitor.looksAround('password');
    await page.getByLabel('Current password').fill(password);
    await page.getByLabel('New password', { exact: true }).fill('Staple 4 horses, correctly');
    await page.getByLabel('Repeat new password').fill('Staple 4 horses, correctly');
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.waitForURL('**/console/CTEST00001');
    assert.match(await page.locator('details.me').textContent(), /newcomer@example\.com/);
}
