-- What a transaction did not know before, a later file or part may tell; what it knows stays. A
-- pending one is settled by whoever knows better. A note comes with something new only: the same
-- file again does not bring back one that was deleted. Of its own file it learns all.
UPDATE transactions t
   SET address = CASE WHEN t.address = '' THEN s.address ELSE t.address END,
       counterparty = CASE WHEN t.counterparty = '' THEN s.counterparty ELSE t.counterparty END,
       source_type = CASE WHEN t.source_type = '' THEN s.source_type ELSE t.source_type END,
       note = CASE WHEN s.learns THEN left(concat_ws(E'\n', nullif(t.note, ''), s.note), 10000)
                   ELSE t.note END,
       occurred_at = CASE WHEN s.own THEN least(t.occurred_at, s.occurred_at)
                          ELSE t.occurred_at END,
       status = CASE WHEN s.failed THEN 'failed'
                     WHEN t.status = 'pending' AND s.confirmed THEN 'confirmed'
                     ELSE t.status END,
       version = t.version + 1
  FROM (SELECT found.*, known.import_id IS NOT DISTINCT FROM :import_id AS own,
               found.note <> '' AND (known.note = '' OR known.import_id = :import_id
                                     AND position(found.note IN known.note) = 0) AS learns
          FROM (SELECT k.transaction_id, max(r.address) AS address,
                       max(r.counterparty) AS counterparty, max(r.source_type) AS source_type,
                       coalesce(string_agg(DISTINCT r.note, E'\n')
                                FILTER (WHERE r.note <> '' AND o.outcome = 'imported'), '') AS note,
                       min(r.occurred_at) AS occurred_at,
                       bool_or(r.status = 'failed') AS failed,
                       bool_or(r.status = 'confirmed') AS confirmed
                  FROM staged_known k
                  JOIN staged_rows r USING (identity)
                  JOIN staged_outcomes o USING (line)
                 WHERE NOT k.created AND o.transaction_id IS NOT NULL
                 GROUP BY k.transaction_id) found
          JOIN transactions known ON known.id = found.transaction_id) s
 WHERE t.id = s.transaction_id
   AND ((t.address = '' AND s.address <> '') OR (t.counterparty = '' AND s.counterparty <> '')
     OR (t.source_type = '' AND s.source_type <> '') OR s.learns
     OR (s.own AND s.occurred_at < t.occurred_at)
     OR (t.status <> 'failed' AND s.failed) OR (t.status = 'pending' AND s.confirmed));
