-- Wallets that came with the import, hold nothing any more, and that nobody has edited since.
DELETE FROM wallets w
 WHERE w.import_id = :import_id AND w.version = 1
   AND NOT EXISTS (SELECT FROM transactions t WHERE t.wallet_id = w.id);
