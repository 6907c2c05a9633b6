-- Users that belong to their domain: postmaster@ and abuse@ (docs/adr/0022-users-of-a-domain.md).

ALTER TABLE users ADD COLUMN reserved BIGINT NOT NULL DEFAULT 0;

-- Those of the domains from before. A user or alias that has such an address stays as it is. Ids are UUIDs of version 7.
INSERT INTO users (id, account, address, address_key, name, must_change_password, address_type, source, created_at, reserved)
SELECT decode(lpad(to_hex(greatest(d.created_at, 0)), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
           || substr('89ab', 1 + floor(random() * 4)::int, 1)
           || substr(md5(random()::text || r.local || d.name), 1, 15), 'hex'),
       d.account, r.local || '@' || d.name, d.name || '@' || r.local, r.name, 0, 'created_manually', 'cloud', d.created_at, 1
FROM domains d CROSS JOIN (SELECT 'postmaster' AS local, 'Domain postMaster address' AS name
                           UNION ALL SELECT 'abuse', 'Domain abuse address') r
WHERE length(d.name) + length(r.local) < 254
ON CONFLICT (address_key) DO NOTHING;

-- By domain, because no index finds the new rows.
INSERT INTO user_counts (account, domain, chain, users)
SELECT u.account, d.name, 1, count(*)
FROM domains d CROSS JOIN users u
WHERE u.address_key IN (d.name || '@postmaster', d.name || '@abuse') AND u.reserved = 1
GROUP BY u.account, d.name
ON CONFLICT (account, domain, chain) DO UPDATE SET users = user_counts.users + excluded.users;

-- The words by which they are found: no event of the audit names them.
INSERT INTO user_words (account, word, address_key)
SELECT u.account, w.word, u.address_key
FROM domains d CROSS JOIN (SELECT 'postmaster' AS local, 'postmaster' AS word
                           UNION ALL SELECT 'postmaster', 'domain' UNION ALL SELECT 'postmaster', 'address'
                           UNION ALL SELECT 'abuse', 'abuse' UNION ALL SELECT 'abuse', 'domain'
                           UNION ALL SELECT 'abuse', 'address') w
CROSS JOIN users u
WHERE u.address_key = d.name || '@' || w.local AND u.reserved = 1
ON CONFLICT DO NOTHING;
