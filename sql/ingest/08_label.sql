-- Hang them on the transactions that this file created.
INSERT INTO transaction_labels (transaction_id, label_id, occurred_at)
SELECT DISTINCT t.id, l.id, t.occurred_at
  FROM staged_rows s
  JOIN transactions t ON t.id = s.transaction_id AND t.import_id = :import_id
 CROSS JOIN unnest(s.labels) AS word
  JOIN labels l ON lower(l.name) = lower(word)
 WHERE s.outcome = 'imported'
    ON CONFLICT DO NOTHING;
