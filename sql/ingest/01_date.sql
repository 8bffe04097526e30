-- Rows without a time take it from the transaction that their hash names, in the ledger or the part.
-- It is looked for as in 04.
WITH undated AS MATERIALIZED (
  SELECT DISTINCT identity FROM staged_rows WHERE occurred_at IS NULL AND outcome IS NULL
)
UPDATE staged_rows s
   SET occurred_at = known.occurred_at
  FROM (SELECT identity, min(occurred_at) AS occurred_at
          FROM staged_rows JOIN undated USING (identity)
         GROUP BY identity
         UNION ALL
        SELECT identity, t.occurred_at
          FROM undated u, LATERAL (SELECT occurred_at FROM transactions
                                    WHERE wallet_id = (SELECT :wallet_id)
                                      AND identity = u.identity
                                    LIMIT 1) t) known
 WHERE s.occurred_at IS NULL AND s.outcome IS NULL
   AND known.identity = s.identity AND known.occurred_at IS NOT NULL;
