-- Addresses that came with the import and that no transaction of their wallet bears any more, and
-- those of a wallet that will go.
DELETE FROM wallet_addresses a
 USING wallets w
 WHERE w.id = a.wallet_id
   AND (a.import_id = :import_id
        AND NOT EXISTS (SELECT FROM transactions t WHERE t.wallet_id = a.wallet_id
                           AND t.network = a.network AND t.address = a.address)
     OR w.import_id = :import_id AND w.version = 1
        AND NOT EXISTS (SELECT FROM transactions t WHERE t.wallet_id = w.id))
RETURNING a.network, a.address;
