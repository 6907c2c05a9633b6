// Groups lie in groups; members come and go, and come back.

export default async function groups(visitor) {
    const { page } = visitor;
    await visitor.signIn();
    await page.getByRole('link', { name: 'Groups', exact: true }).click();
    for (const [name, parent] of [['Offices', ''], ['Berlin', 'Offices'], ['Reception', '– Berlin']]) {
        await page.getByLabel('Name').fill(name);
        if (parent) await page.getByLabel('Parent group').selectOption({ label: parent });
        await page.getByRole('button', { name: 'Create group' }).click();
        await page.getByText('The group is created.').waitFor();
        if (name !== 'Reception') await page.getByRole('link', { name: 'Groups', exact: true }).first().click();
    }
    await page.getByLabel('Address or domain').fill('person0@example.com');
    await page.getByLabel('Notes').fill('front desk');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText('person0@example.com is now a member.').waitFor();
    await page.getByLabel('Address or domain').fill('partner.example');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText('domain, external').waitFor();
    await visitor.looksAround('group');
    await page.getByRole('button', { name: 'Remove person0@example.com' }).click();
    await page.getByText('person0@example.com is no longer a member.').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('front desk').waitFor();
    await page.getByRole('link', { name: 'person0@example.com' }).click();
    await page.getByRole('link', { name: 'Reception' }).waitFor();
    await page.getByRole('link', { name: 'Groups', exact: true }).click();
    await page.locator('.tree ul ul').getByRole('link', { name: 'Reception' }).waitFor();
    await visitor.looksAround('groups');
    await page.getByRole('link', { name: 'Reception' }).click();
    await page.getByLabel(/to confirm/).fill('Reception');
    await page.getByRole('button', { name: 'Delete the group' }).click();
    await page.getByText('The group is deleted').waitFor();
}
