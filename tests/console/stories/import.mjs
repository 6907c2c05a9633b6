// A file of users is dropped, checked row by row, and created; the result is taken along.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

const READY = 600;

function file() {
    const rows = Array.from({ length: READY }, (_, n) => `autumn${n}@example.com,"Autumn, ${n}",`);
    const bad = ['admin@example.com,There already,', 'far@elsewhere.example,Far away,', 'weak@example.com,Weak,1234'];
    return ['email,name,password', ...rows, ...bad, ''].join('\r\n');
}

const upload = (name, text) => ({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });

export default async function story(visitor) {
    const { page } = visitor;
    await visitor.signIn();
    await page.getByRole('link', { name: 'Users', exact: true }).first().click();
    await page.getByRole('link', { name: 'Import', exact: true }).click();
    await page.getByText('What a file looks like').click();
    await visitor.looksAround('import');

    // One that is no file of users says so, and why.
    await page.getByLabel('File of users').setInputFiles(upload('wrong.csv', 'first,second\n1,2\n'));
    await page.getByRole('button', { name: 'Check the file' }).click();
    await page.getByRole('alert').getByText('has no column').waitFor();
    await visitor.looksAround();

    // Dropped, as people do.
    const dropped = await page.evaluateHandle(([name, text]) => {
        const data = new DataTransfer();
        data.items.add(new File([text], name, { type: 'text/csv' }));
        return data;
    }, ['autumn.csv', file()]);
    await page.locator('[data-drop]').dispatchEvent('drop', { dataTransfer: dropped });
    await page.getByRole('heading', { name: 'autumn.csv' }).waitFor();
    await page.getByRole('heading', { name: 'Checked: no user is created yet' }).waitFor();
    for (const said of ['A user with this address already exists', 'Correct the domain', 'Choose another password']) {
        await page.getByText(said).waitFor();
    }
    await visitor.looksAround('import-checked');

    // It goes on while nobody looks.
    await page.getByRole('button', { name: `Create ${READY} users` }).click();
    await visitor.open('/console');
    await page.goBack();
    await page.getByRole('heading', { name: `Done: ${READY} users created` }).waitFor();
    await visitor.looksAround('import-done');

    const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'Download the result' }).click(),
    ]);
    const lines = (await readFile(await download.path(), 'utf8')).trim().split('\r\n');
    assert.equal(lines[0], 'row,line,emailAddress,result,id,code,field,message');
    assert.equal(lines.length, READY + 4);
    assert.equal(lines.filter((line) => line.includes('",created,"')).length, READY);
    assert.match(lines.at(-1), /weak@example\.com",refused,.*err_password_policy/);
    await page.getByRole('link', { name: 'Import another' }).click();
    await page.getByRole('link', { name: 'autumn.csv' }).waitFor();
    await visitor.looksAround('imports');
}
