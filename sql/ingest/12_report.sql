-- Account for them.
UPDATE imports i
   SET read = r.read, imported = r.imported, duplicate = r.duplicate, skipped = r.skipped,
       rejected = r.rejected, transactions = t.transactions
  FROM (SELECT count(*) AS read,
               count(*) FILTER (WHERE outcome = 'imported') AS imported,
               count(*) FILTER (WHERE outcome = 'duplicate') AS duplicate,
               count(*) FILTER (WHERE outcome = 'skipped') AS skipped,
               count(*) FILTER (WHERE outcome = 'rejected') AS rejected
          FROM import_rows WHERE import_id = :import_id) r,
       (SELECT count(*) AS transactions FROM transactions WHERE import_id = :import_id) t
 WHERE i.id = :import_id
RETURNING i.read, i.imported, i.duplicate, i.skipped, i.rejected, i.transactions;
