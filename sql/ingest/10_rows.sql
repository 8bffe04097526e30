-- Keep every row as it arrived, beside what became of it.
INSERT INTO import_rows (import_id, line, transaction_id, outcome, reason, raw)
SELECT :import_id, o.line, o.transaction_id, o.outcome,
       CASE WHEN o.idle THEN 'moves nothing, and its transaction is in the ledger already'
            ELSE coalesce(r.reason, '') END,
       r.raw
  FROM staged_rows r
  JOIN staged_outcomes o USING (line)
 ORDER BY o.line;
