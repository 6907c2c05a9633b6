// Who may only read sees no button that would be refused; who may not even that is told why.

import assert from 'node:assert/strict';

export default async function reader(visitor) {
    const { page } = visitor;
    await visitor.signIn('reader');
    await page.getByRole('link', { name: 'Users', exact: true }).click();
    await page.getByRole('searchbox').fill('person0');
    await page.getByRole('link', { name: 'person0@example.com' }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'New user' }).count(), 0);
    assert.equal(await page.getByLabel('Select all on this page').count(), 0);
    await page.getByRole('link', { name: 'person0@example.com' }).click();
    assert.equal(await page.getByRole('button', { name: 'Lock' }).count(), 0);
    assert.equal(await page.getByRole('link', { name: 'Audit', exact: true }).count(), 0);
    await visitor.open('/console/CTEST00001/audit');
    await page.getByRole('alert').getByText('needs the permission Account | Logs | Read').waitFor();
    await visitor.looksAround('refused');
    await visitor.open('/console/CTEST00002/users');
    await page.getByRole('alert').getByText('account code is unknown').waitFor();
}
