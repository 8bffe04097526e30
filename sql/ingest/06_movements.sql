-- Movements that the ledger does not have yet, behind those that it has; then the rows' outcomes:
-- a row came in if it created its transaction or brought a movement; else it is a duplicate, for
-- the ledger knew all that it tells.
WITH told AS (
  SELECT DISTINCT ON (s.transaction_id, m.key)
         s.transaction_id, s.occurred_at, m.key, m.kind, m.asset_id, m.amount, m.address,
         m.counterparty, m.line, m.number
    FROM staged_movements m
    JOIN staged_rows s USING (line)
   WHERE s.outcome IS NULL
   ORDER BY s.transaction_id, m.key, m.line, m.number
), added AS (
  INSERT INTO movements (transaction_id, key, occurred_at, asset_id, import_id, position, kind,
                         amount, address, counterparty)
  SELECT told.transaction_id, told.key, t.occurred_at, told.asset_id, :import_id,
         coalesce((SELECT max(position) + 1 FROM movements b
                    WHERE b.transaction_id = told.transaction_id), 0)
           + row_number() OVER (PARTITION BY told.transaction_id
                                ORDER BY told.kind, told.line, told.number) - 1,
         told.kind, told.amount, told.address, told.counterparty
    FROM told
    JOIN transactions t ON t.id = told.transaction_id
      ON CONFLICT (transaction_id, key) DO NOTHING
  RETURNING transaction_id, key
)
UPDATE staged_rows s
   SET outcome = CASE WHEN s.created
                        OR s.line IN (SELECT told.line
                                        FROM told JOIN added USING (transaction_id, key))
                      THEN 'imported' ELSE 'duplicate' END::row_outcome,
       reason = CASE WHEN NOT s.created AND s.line NOT IN (SELECT line FROM staged_movements)
                     THEN 'moves nothing, and its transaction is in the ledger already' END
 WHERE s.outcome IS NULL;
