-- Tell each row its transaction; the first row of a new one is the one that created it.
UPDATE staged_rows s
   SET transaction_id = t.id,
       created = coalesce(t.import_id = :import_id, false) AND s.line = f.line
  FROM transactions t
  JOIN (SELECT identity, min(line) AS line FROM staged_rows WHERE outcome IS NULL
         GROUP BY identity) f USING (identity)
 WHERE t.wallet_id = :wallet_id AND t.identity = s.identity AND s.outcome IS NULL;
