-- Hang them on the transactions that this file created.
INSERT INTO transaction_labels (transaction_id, label_id, occurred_at)
SELECT DISTINCT s.transaction_id, l.id, s.occurred_at
  FROM (SELECT k.transaction_id, k.occurred_at, lower(unnest(r.labels)) AS word
          FROM staged_rows r
          JOIN staged_outcomes o USING (line)
          JOIN staged_known k USING (transaction_id)
         WHERE o.outcome = 'imported' AND k.own AND r.labels <> '{}') s
  JOIN labels l ON lower(l.name) = s.word
    ON CONFLICT DO NOTHING;
