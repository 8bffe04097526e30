-- The transactions that the ledger has already, be it from a part before. Each by its key: the
-- planner takes a new wallet for an empty one, and would read all that the parts before have put
-- into it. "(SELECT …)" hides from it which wallet it is, and LIMIT keeps it from a join.
INSERT INTO staged_known
SELECT s.identity, t.id, t.occurred_at, false, t.import_id IS NOT DISTINCT FROM :import_id
  FROM (SELECT identity FROM staged_rows WHERE outcome IS NULL
         EXCEPT
        SELECT identity FROM staged_known) s,
       LATERAL (SELECT id, occurred_at, import_id FROM transactions
                 WHERE wallet_id = (SELECT :wallet_id) AND identity = s.identity
                 LIMIT 1) t;
