// The matrix of roles, a role of the account's own, and who holds it.

export default async function roles(visitor) {
    const { page } = visitor;
    await visitor.signIn();
    await page.getByRole('link', { name: 'Roles', exact: true }).click();
    await page.getByRole('row', { name: /Directories \| Internal \| Edit/ }).waitFor();
    await page.getByLabel('Name').fill('Help desk');
    await page.getByLabel('Directories | Internal | Read').check();
    await page.getByRole('button', { name: 'Create role' }).click();
    await page.getByText('The role is created.').waitFor();
    await visitor.looksAround('roles');
    await page.getByRole('link', { name: 'plain@example.com' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Delete Help desk' }).click();
    await page.getByText('The role is deleted.').waitFor();
    // A role that somebody holds stays, and it is said why.
    await page.getByRole('button', { name: 'Delete Reader' }).click();
    await page.getByRole('alert').getByText('is held by users').waitFor();
}
