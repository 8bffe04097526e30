-- Hang them on the transactions that this file created.
INSERT INTO transaction_labels (transaction_id, label_id, occurred_at)
SELECT DISTINCT t.id, l.id, t.occurred_at
  FROM (SELECT transaction_id, lower(unnest(labels)) AS word
          FROM staged_rows WHERE outcome = 'imported' AND labels <> '{}') s
  JOIN labels l ON lower(l.name) = s.word
  JOIN transactions t ON t.id = s.transaction_id AND t.import_id = :import_id
    ON CONFLICT DO NOTHING;
