-- The transactions that the ledger has already, be it from a part before.
INSERT INTO staged_known
SELECT t.identity, t.id, t.occurred_at, false
  FROM (SELECT identity FROM staged_rows WHERE outcome IS NULL
         EXCEPT
        SELECT identity FROM staged_known) s
  JOIN transactions t ON t.wallet_id = :wallet_id AND t.identity = s.identity;
