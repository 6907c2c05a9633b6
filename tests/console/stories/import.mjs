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

    // A file without a header says so.
    await page.getByLabel('File of users').setInputFiles(upload('wrong.csv', 'ann@example.com,Ann\n'));
    await page.getByRole('button', { name: 'Check the file' }).click();
    await page.getByRole('alert').getByText('add a header line').waitFor();
    await visitor.looksAround();

    // Of a file with unknown names the columns are chosen, here by keyboard.
    const unknown = 'Contact;Person;Start;AdminPassword\nspring@example.com;"Spring, Ann";Canary word 4711;Canary\n';
    await page.getByLabel('File of users').setInputFiles(upload('unknown.csv', unknown));
    await page.getByRole('button', { name: 'Check the file' }).click();
    await page.getByRole('heading', { name: 'Columns of unknown.csv' }).waitFor();
    await page.getByRole('alert').getByText('Choose the column that has the address').waitFor();
    assert.doesNotMatch(await page.content(), /Canary/);
    await visitor.looksAround('import-columns');
    await page.getByLabel('Read Contact as').focus();
    for (const choice of ['Address', 'Name', 'Password', 'Ignore']) {
        await page.keyboard.type(choice);
        await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Checked: no user is created yet' }).waitFor();
    await page.getByText('Contact (Address), Person (Name), Start (Password)').waitFor();
    await page.getByText('Ignored by choice: AdminPassword').waitFor();
    await page.getByRole('link', { name: 'Change columns' }).click();
    assert.equal(await page.getByLabel('Read Start as').inputValue(), 'password');
    await page.getByRole('link', { name: 'Cancel' }).click();

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
