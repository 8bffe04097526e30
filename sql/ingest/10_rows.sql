-- Keep every row as it arrived, beside what became of it.
INSERT INTO import_rows (import_id, line, transaction_id, outcome, reason, raw)
SELECT :import_id, o.line, o.transaction_id, o.outcome, o.reason, r.raw
  FROM staged_rows r
  JOIN staged_outcomes o USING (line)
 ORDER BY o.line;
