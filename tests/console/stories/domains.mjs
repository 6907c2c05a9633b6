// A domain is registered, and verified; another is dropped, and registered again by undoing that.

export default async function domains(visitor) {
    const { page } = visitor;
    await visitor.signIn();
    await page.getByRole('link', { name: 'Account and domains' }).click();
    for (const domain of ['branch.example', 'other-branch.example']) {
        await page.getByLabel('Domain', { exact: true }).fill(domain);
        await page.getByRole('button', { name: 'Register' }).click();
        await page.getByText('The domain is registered.').waitFor();
    }
    await page.getByText('matricula-verification=').first().waitFor();
    await visitor.looksAround('domains');
    await page.getByRole('button', { name: 'Verify branch.example' }).click();
    await page.getByText('The domain is internal').waitFor();
    await page.getByRole('button', { name: 'Drop other-branch.example' }).click();
    await page.getByText('The registration was deleted.').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('The domain is registered.').waitFor();
    await page.getByRole('link', { name: 'branch.example', exact: true }).click();
    // Every internal domain has this user.
    await page.getByText('postmaster@branch.example').first().waitFor();
}
