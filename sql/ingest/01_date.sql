-- Rows without a time take it from the transaction that their hash names, in the ledger or the part.
UPDATE staged_rows s
   SET occurred_at = known.occurred_at
  FROM (SELECT identity, min(occurred_at) AS occurred_at FROM staged_rows
         WHERE identity IN (SELECT identity FROM staged_rows WHERE occurred_at IS NULL)
         GROUP BY identity
         UNION ALL
        SELECT identity, occurred_at FROM transactions WHERE wallet_id = :wallet_id
           AND identity IN (SELECT identity FROM staged_rows WHERE occurred_at IS NULL)) known
 WHERE s.occurred_at IS NULL AND s.outcome IS NULL
   AND known.identity = s.identity AND known.occurred_at IS NOT NULL;
