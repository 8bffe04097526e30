-- Hang them on the transactions that this file created. "IS NOT DISTINCT FROM" keeps the planner
-- from the index of imports: it takes a new import for a small one, and would read it at each row.
INSERT INTO transaction_labels (transaction_id, label_id, occurred_at)
SELECT DISTINCT t.id, l.id, t.occurred_at
  FROM (SELECT o.transaction_id, lower(unnest(r.labels)) AS word
          FROM staged_rows r JOIN staged_outcomes o USING (line)
         WHERE o.outcome = 'imported' AND r.labels <> '{}') s
  JOIN labels l ON lower(l.name) = s.word
  JOIN transactions t ON t.id = s.transaction_id
 WHERE t.import_id IS NOT DISTINCT FROM :import_id
    ON CONFLICT DO NOTHING;
