-- Keep every row as it arrived, beside what became of it.
INSERT INTO import_rows (import_id, line, transaction_id, outcome, reason, raw)
SELECT :import_id, line, transaction_id, outcome, coalesce(reason, ''), raw
  FROM staged_rows
 ORDER BY line;
