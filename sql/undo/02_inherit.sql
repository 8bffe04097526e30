-- A transaction that another import added to lives on as that one's.
UPDATE transactions t
   SET import_id = m.import_id
  FROM (SELECT transaction_id, min(import_id) AS import_id FROM movements
         WHERE transaction_id IN (SELECT id FROM transactions WHERE import_id = :import_id)
         GROUP BY transaction_id) m
 WHERE t.id = m.transaction_id;
