-- Labels that the rows name, made where there are none of the name.
INSERT INTO labels (name, import_id)
SELECT DISTINCT ON (lower(name)) name, :import_id
  FROM staged_rows JOIN staged_outcomes o USING (line), unnest(labels) AS name
 WHERE o.outcome = 'imported' AND labels <> '{}'
 ORDER BY lower(name), name
    ON CONFLICT DO NOTHING;
