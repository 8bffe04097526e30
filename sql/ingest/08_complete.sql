-- What a transaction did not know before, a later file or part may tell; what it knows stays. A
-- pending one is settled by whoever knows better. A note comes with something new only: the same
-- file again does not bring back one that was deleted. From its own file it learns all notes.
UPDATE transactions t
   SET address = CASE WHEN t.address = '' THEN s.address ELSE t.address END,
       counterparty = CASE WHEN t.counterparty = '' THEN s.counterparty ELSE t.counterparty END,
       source_type = CASE WHEN t.source_type = '' THEN s.source_type ELSE t.source_type END,
       note = CASE WHEN s.own OR t.note = ''
                   THEN left(concat_ws(E'\n', nullif(t.note, ''), nullif(s.note, '')), 10000)
                   ELSE t.note END,
       occurred_at = CASE WHEN s.own THEN least(t.occurred_at, s.occurred_at)
                          ELSE t.occurred_at END,
       status = CASE WHEN s.failed THEN 'failed'
                     WHEN t.status = 'pending' AND s.confirmed THEN 'confirmed'
                     ELSE t.status END,
       version = t.version + 1
  FROM (SELECT known.id, k.own,
               (array_agg(r.address ORDER BY r.address = '', r.line))[1] AS address,
               (array_agg(r.counterparty ORDER BY r.counterparty = '', r.line))[1] AS counterparty,
               (array_agg(r.source_type ORDER BY r.source_type = '', r.line))[1] AS source_type,
               coalesce(string_agg(DISTINCT r.note, E'\n') FILTER (
                 WHERE r.note <> ''
                   AND (o.outcome = 'imported' OR k.own)
                   AND strpos(E'\n' || known.note || E'\n', E'\n' || r.note || E'\n') = 0), '') AS note,
               min(r.occurred_at) AS occurred_at,
               bool_or(r.status = 'failed') AS failed, bool_or(r.status = 'confirmed') AS confirmed
          FROM staged_known k
          JOIN staged_rows r USING (identity)
          JOIN staged_outcomes o USING (line)
          JOIN transactions known ON known.id = k.transaction_id
         WHERE NOT k.created AND o.transaction_id IS NOT NULL
         GROUP BY known.id, k.own) s
 WHERE t.id = s.id
   AND EXISTS (SELECT FROM staged_known WHERE NOT created)  -- else not even looked for
   AND ((t.address = '' AND s.address <> '') OR (t.counterparty = '' AND s.counterparty <> '')
     OR (t.source_type = '' AND s.source_type <> '')
     OR (s.note <> '' AND (s.own OR t.note = ''))
     OR (s.own AND s.occurred_at < t.occurred_at)
     OR (t.status <> 'failed' AND s.failed) OR (t.status = 'pending' AND s.confirmed));
