-- A generated ledger of :rows transactions, deterministic, skewed as reality is: few wallets, assets
-- and contacts have most of the rows. One hour of an import puts :rows / 20 rows on one timestamp.
-- Run it in an empty, migrated ledger: psql -v rows=1000000 -f ledger.sql
-- Triggers are off meanwhile (needs a superuser): the figures that they keep are brought along.
SET session_replication_role = replica;
SET maintenance_work_mem = '512MB';
CREATE FUNCTION pg_temp.draw(i bigint, salt int, n int, bend float8) RETURNS int
  LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
  1 + floor(n * power(abs(hashint8extended(i, salt) % 1000000) / 1000000.0, bend))::int;

INSERT INTO wallets (name) SELECT 'Wallet ' || n FROM generate_series(1, 50) n;
INSERT INTO assets (symbol, network, contract)
  SELECT CASE WHEN n <= 3 THEN (ARRAY['ETH', 'USDC', 'WBTC'])[n] ELSE 'TOK' || n END, 'ethereum',
         CASE WHEN n = 1 THEN '' ELSE '0x' || md5('a' || n) || substr(md5('b' || n), 1, 8) END
    FROM generate_series(1, 200) n;
INSERT INTO labels (name, colour)
  SELECT 'label ' || n, (enum_range(NULL::colour))[1 + n % 10] FROM generate_series(1, 30) n;
INSERT INTO contacts (name) SELECT 'Contact ' || n FROM generate_series(1, 300) n;
INSERT INTO contact_addresses (network, address, contact_id)
  SELECT 'ethereum', '0x' || md5('c' || n) || substr(md5('d' || n), 1, 8), n
    FROM generate_series(1, 300) n;

INSERT INTO transactions (occurred_at, wallet_id, type, status, amount, network, tx_hash, address,
                          counterparty, note, source)
SELECT CASE WHEN i BETWEEN :rows * 0.5 AND :rows * 0.55 THEN timestamptz '2023-01-01 00:00+00'
            ELSE timestamptz '2020-01-01 00:00+00' + i * (interval '6 years' / :rows) END,
       pg_temp.draw(i, 1, 50, 3),
       (ARRAY['receive', 'send', 'trade', 'contract_call', 'reward', 'transfer', 'airdrop', 'mint'])
         [pg_temp.draw(i, 2, 8, 2)]::transaction_type,
       CASE WHEN pg_temp.draw(i, 3, 100, 1) = 1 THEN 'failed' ELSE 'confirmed' END::transaction_status,
       pg_temp.draw(i, 4, 1000000, 6) / 1000.0,
       'ethereum',
       '0x' || md5('h' || i) || md5('i' || i),
       '0x' || md5('w' || pg_temp.draw(i, 1, 50, 3)) || 'ffffffff',
       '0x' || md5('c' || pg_temp.draw(i, 5, 3000, 3)) || substr(md5('d' || pg_temp.draw(i, 5, 3000, 3)), 1, 8),
       CASE WHEN pg_temp.draw(i, 6, 10, 1) = 1
            THEN (ARRAY['coffee', 'rent', 'salary', 'lunch with Anna', 'books'])[pg_temp.draw(i, 7, 5, 1)]
              || ' ' || i ELSE '' END,
       'seed'
  FROM generate_series(1, :rows) i;

INSERT INTO movements (transaction_id, key, occurred_at, asset_id, position, kind, amount, address,
                       counterparty)
SELECT t.id, k.key, t.occurred_at,
       CASE WHEN k.kind = 'fee' THEN 1 ELSE pg_temp.draw(t.id, 7 + k.key, 200, 3) END,
       k.key, k.kind::movement_kind,
       CASE WHEN k.kind = 'fee' THEN -0.0021 WHEN k.key = 1 THEN t.amount
            WHEN t.type IN ('receive', 'reward', 'airdrop', 'mint') THEN t.amount
            ELSE -t.amount END,
       t.address, t.counterparty
  FROM transactions t
 CROSS JOIN (VALUES (0, 'principal'), (1, 'principal'), (2, 'fee')) k (key, kind)
 WHERE (k.key = 0)
    OR (k.key = 1 AND t.type = 'trade')
    OR (k.key = 2 AND t.type IN ('send', 'trade', 'contract_call', 'transfer'))
 ORDER BY t.occurred_at, t.id, k.key;

INSERT INTO transaction_labels (transaction_id, label_id, occurred_at)
SELECT DISTINCT t.id, pg_temp.draw(t.id, 20 + n, 30, 3), t.occurred_at
  FROM transactions t, generate_series(1, 2) n
 WHERE pg_temp.draw(t.id, 30 + n, 5, 1) = 1;

RESET session_replication_role;
SET default_statistics_target = 300;  -- up to 90,000 rows of a table are read, not drawn by chance
VACUUM ANALYZE;
