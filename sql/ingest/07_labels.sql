-- Labels that the file names, made where there are none of the name.
INSERT INTO labels (name, import_id)
SELECT DISTINCT ON (lower(name)) name, :import_id
  FROM staged_rows, unnest(labels) AS name
 WHERE outcome = 'imported'
 ORDER BY lower(name), name
    ON CONFLICT DO NOTHING;
