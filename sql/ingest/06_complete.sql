-- What a transaction did not know before, a later file may tell; what it knows stays. A pending one
-- is settled by any file that knows better. A note comes with something new only: the same file
-- again does not bring back one that was deleted.
UPDATE transactions t
   SET address = CASE WHEN t.address = '' THEN s.address ELSE t.address END,
       counterparty = CASE WHEN t.counterparty = '' THEN s.counterparty ELSE t.counterparty END,
       source_type = CASE WHEN t.source_type = '' THEN s.source_type ELSE t.source_type END,
       note = CASE WHEN t.note = '' THEN s.note ELSE t.note END,
       status = CASE WHEN s.failed THEN 'failed'
                     WHEN t.status = 'pending' AND s.confirmed THEN 'confirmed'
                     ELSE t.status END,
       version = t.version + 1
  FROM (SELECT transaction_id, max(address) AS address, max(counterparty) AS counterparty,
               max(source_type) AS source_type,
               coalesce(max(note) FILTER (WHERE outcome = 'imported'), '') AS note,
               bool_or(status = 'failed') AS failed, bool_or(status = 'confirmed') AS confirmed
          FROM staged_rows WHERE transaction_id IS NOT NULL GROUP BY transaction_id) s
 WHERE t.id = s.transaction_id AND t.import_id IS DISTINCT FROM :import_id
   AND ((t.address = '' AND s.address <> '') OR (t.counterparty = '' AND s.counterparty <> '')
     OR (t.source_type = '' AND s.source_type <> '') OR (t.note = '' AND s.note <> '')
     OR (t.status <> 'failed' AND s.failed) OR (t.status = 'pending' AND s.confirmed));
