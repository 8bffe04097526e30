-- The rows, in time order. OFFSET 0 keeps what is worked out once from being worked out again at
-- each place that uses it.
INSERT INTO transactions (id, occurred_at, wallet_id, contact_id, import_id, type, status, amount,
                          network, tx_hash, address, counterparty, note, source, source_id)
SELECT i, pg_temp.instant(i - 1, :rows), wallet,
       CASE WHEN contact > 500
            THEN CASE WHEN network = '' OR pg_temp.bits(g, 42, 1) = 1 THEN contact END
            WHEN pg_temp.bits(g, 42, 8) < 3
            THEN 1 + pg_temp.bits(g, 52, 10) * pg_temp.bits(g, 52, 10) / 2100 END,
       pg_temp.import_of(i - 1, :rows), type, status,
       CASE WHEN status = 'failed' OR type = 'approval' THEN 0
            WHEN planted = 'apart amount' THEN 3333
            WHEN planted = 'rare amount' THEN 4321
            WHEN planted = 'rare range' THEN 2000 + (i / 10000) % 1000
            WHEN pg_temp.is_old(o, 7) THEN 1984
            WHEN pg_temp.bits(a, 54, 2) = 0
            THEN (1 + floor(1e6 * small * small))::bigint * 0.001
              + ((a >> 20) & 1099511627775) * 0.000000000000000001
            ELSE (1 + floor(1e6 * small * small))::bigint * 0.001 END,
       network,
       CASE network WHEN '' THEN NULL
                    WHEN 'bitcoin' THEN pg_temp.hex(i + 1000000000000)
                    ELSE '0x' || pg_temp.hex(i + 1000000000000) END,
       pg_temp.address(network, wallet),
       pg_temp.address(network,
         CASE WHEN contact > 0
              THEN pg_temp.contact_number(contact,
                     CASE WHEN contact <= 50 THEN pg_temp.bits(g, 50, 2) % 3 ELSE 0 END)
              ELSE 10000000 + floor(:rows * 0.2 * stranger * stranger * stranger)::bigint END),
       CASE WHEN word IS NULL THEN '' ELSE word || ' ' || i END,
       'seed', CASE WHEN network = '' THEN i::text END
  FROM (
    SELECT *,
           CASE WHEN planted = 'apart wallet' THEN 201 WHEN planted = 'rare wallet' THEN 203
                WHEN pg_temp.is_old(o, 0) THEN 202
                ELSE (:'wallet_of'::int[])[1 + pg_temp.bits(h, 0, 14)] END AS wallet,
           CASE WHEN planted = 'apart type' THEN 'loan' WHEN planted = 'rare type' THEN 'burn'
                WHEN pg_temp.is_old(o, 4) THEN 'gift'
                WHEN planted IS NOT NULL AND kind = 7 THEN 'send'
                ELSE ('{receive,send,trade,contract_call,reward,transfer,approval,airdrop,deposit,'
                      'withdrawal,mint,fee,payment,other}'::transaction_type[])[kind]
                END AS type,
           CASE WHEN planted = 'apart contact' THEN 501 WHEN planted = 'rare contact' THEN 503
                WHEN pg_temp.is_old(o, 3) THEN 502
                ELSE (:'contact_of'::int[])[1 + pg_temp.bits(h, 28, 14)] END AS contact,
           CASE WHEN planted = 'apart network' THEN 'arbitrum' WHEN planted = 'rare network' THEN 'tron'
                WHEN pg_temp.is_old(o, 5) THEN 'dogecoin'
                WHEN chain < 722 THEN 'ethereum' WHEN chain < 906 THEN 'bitcoin'
                WHEN chain < 1008 THEN '' WHEN chain < 1018 THEN 'polygon'
                WHEN chain < 1021 THEN 'base' WHEN chain < 1023 THEN 'bsc'
                ELSE 'optimism' END AS network,
           CASE WHEN planted = 'pending' THEN 'pending'
                WHEN planted IS NULL AND pg_temp.bits(h, 52, 8) < 3 THEN 'failed'
                ELSE 'confirmed' END::transaction_status AS status,
           CASE WHEN planted = 'apart note' THEN 'asunder' WHEN planted = 'rare note' THEN 'seldom'
                WHEN pg_temp.is_old(o, 6) THEN 'bygone'
                WHEN page >= 100 THEN NULL
                WHEN page < 20 THEN 'coffee' WHEN page < 35 THEN 'rent' WHEN page < 50 THEN 'books'
                WHEN page < 65 THEN 'salary' WHEN page < 80 THEN 'lunch with Anna'
                WHEN page < 90 THEN 'invoice' WHEN page < 97 THEN 'ticket'
                ELSE 'gift for Bo' END AS word
      FROM (
        SELECT *,
               (:'type_of'::int[])[1 + pg_temp.bits(h, 14, 14)] AS kind,
               pg_temp.bits(h, 42, 10) AS chain, pg_temp.bits(a, 44, 10) AS page,
               power(pg_temp.bits(a, 0, 20) / 1048576::float8, 3) AS small,
               pg_temp.bits(a, 20, 24) / 16777216::float8 AS stranger
          FROM (
            SELECT i, pg_temp.planted(i) AS planted, pg_temp.old_dice(i, :rows) AS o,
                   pg_temp.dice(i, 1) AS h, pg_temp.dice(i, 2) AS g, pg_temp.dice(i, 3) AS a
              FROM (SELECT generate_series(1, :rows::bigint) AS i) numbers
            OFFSET 0) diced
        OFFSET 0) drawn
    OFFSET 0) told;

-- A trade moves two assets; who acts on a chain pays a fee.
INSERT INTO movements (transaction_id, key, occurred_at, asset_id, import_id, position, kind, amount,
                       address, counterparty)
SELECT t.id, m.key, t.occurred_at, m.asset, t.import_id, m.key,
       CASE WHEN m.key = 2 THEN 'fee' ELSE 'principal' END::movement_kind, m.amount,
       t.address, t.counterparty
  FROM (
    SELECT *, pg_temp.dice(id, 2) AS g, pg_temp.planted(id) AS planted,
           pg_temp.old_dice(id, :rows) AS o,
           type <> 'approval' AND status <> 'failed' AS moves,
           type IN ('receive', 'reward', 'airdrop', 'mint', 'deposit', 'income', 'loan', 'gift')
             AS comes
      FROM transactions
    OFFSET 0) t
 CROSS JOIN LATERAL (
    SELECT 0, CASE WHEN planted = 'apart asset' THEN 301 WHEN planted = 'rare asset' THEN 303
                   WHEN pg_temp.is_old(o, 1) THEN 302
                   ELSE (:'asset_of'::int[])[1 + pg_temp.bits(g, 0, 14)] END,
           CASE WHEN comes THEN t.amount ELSE -t.amount END
     WHERE moves
     UNION ALL
    SELECT 1, (:'asset_of'::int[])[1 + pg_temp.bits(pg_temp.dice(t.id, 5), 0, 14)], t.amount * 0.37
     WHERE moves AND t.type = 'trade'
     UNION ALL
    SELECT 2, 1, (-21 - pg_temp.bits(g, 0, 8)) * 0.0001
     WHERE t.network <> ''
       AND (NOT moves OR t.type IN ('send', 'trade', 'contract_call', 'transfer', 'burn'))
 ) m (key, asset, amount);

INSERT INTO transaction_labels (transaction_id, label_id, occurred_at)
SELECT id, label, occurred_at
  FROM (
    SELECT id, occurred_at, nullif(first, 0) AS first,
           CASE WHEN first > 0 AND second NOT IN (0, first) THEN second END AS second,
           CASE WHEN planted = 'apart label' THEN 41 WHEN planted = 'rare label' THEN 43
                WHEN pg_temp.is_old(o, 2) THEN 42 END AS third
      FROM (
        SELECT id, occurred_at, pg_temp.planted(id) AS planted, pg_temp.old_dice(id, :rows) AS o,
               (:'label_of'::int[])[1 + pg_temp.bits(pg_temp.dice(id, 2), 14, 14)] AS first,
               (:'second_of'::int[])[1 + pg_temp.bits(pg_temp.dice(id, 2), 28, 14)] AS second
          FROM transactions
        OFFSET 0) drawn
    OFFSET 0) labelled, unnest(ARRAY[first, second, third]) label
 WHERE (first IS NOT NULL OR third IS NOT NULL) AND label IS NOT NULL;

INSERT INTO transaction_notes (transaction_id, occurred_at, note)
SELECT id, occurred_at, note FROM transactions WHERE note <> '';

INSERT INTO import_rows (import_id, line, transaction_id, outcome, raw)
SELECT import_id, row_number() OVER (PARTITION BY import_id ORDER BY id), id, 'imported',
       id || ',' || type || ',' || amount
  FROM transactions WHERE import_id IS NOT NULL;
INSERT INTO import_rows (import_id, line, outcome, reason, raw)
SELECT 13, line, 'rejected', 'no date', ',send,' || line FROM generate_series(1, 3) line;

INSERT INTO imports (id, file, format, wallet, imported_at, read, imported, rejected, transactions)
SELECT import_id, 'seed-' || import_id || '.csv', 'Generic', 'Wallet 1',
       timestamptz '2026-01-01 UTC' + import_id * interval '1 hour', count(*),
       count(*) FILTER (WHERE outcome = 'imported'), count(*) FILTER (WHERE outcome = 'rejected'),
       count(transaction_id)
  FROM import_rows GROUP BY import_id ORDER BY import_id;
