-- What came with the import and what others' transactions use belongs to the first of those now.
WITH of_wallets AS (
  UPDATE wallets w SET import_id = u.import_id
    FROM (SELECT wallet_id, min(import_id) AS import_id FROM transactions
           WHERE wallet_id IN (SELECT id FROM wallets WHERE import_id = :import_id)
           GROUP BY wallet_id) u
   WHERE w.import_id = :import_id AND u.wallet_id = w.id
), of_addresses AS (
  UPDATE wallet_addresses a SET import_id = u.import_id
    FROM (SELECT wallet_id, network, address, min(import_id) AS import_id FROM transactions
           WHERE wallet_id IN (SELECT wallet_id FROM wallet_addresses WHERE import_id = :import_id)
           GROUP BY wallet_id, network, address) u
   WHERE a.import_id = :import_id AND u.wallet_id = a.wallet_id
     AND u.network = a.network AND u.address = a.address
)
UPDATE labels l SET import_id = u.import_id
  FROM (SELECT tl.label_id, min(t.import_id) AS import_id
          FROM transaction_labels tl JOIN transactions t ON t.id = tl.transaction_id
         WHERE tl.label_id IN (SELECT id FROM labels WHERE import_id = :import_id)
         GROUP BY tl.label_id) u
 WHERE l.import_id = :import_id AND u.label_id = l.id;
