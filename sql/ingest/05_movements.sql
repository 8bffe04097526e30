-- Movements that the ledger does not have yet, behind those that it has; then the rows' outcomes:
-- a row came in if it created its transaction or brought a movement; else it is a duplicate, for
-- the ledger knew all that it tells.
WITH told AS (
  SELECT DISTINCT ON (s.transaction_id, m.key)
         s.transaction_id, m.key, m.kind, m.asset_id, m.amount, m.address, m.counterparty,
         m.line, m.number
    FROM staged_movements m
    JOIN staged_rows s USING (line)
   WHERE s.outcome IS NULL
   ORDER BY s.transaction_id, m.key, m.line, m.number
), had AS MATERIALIZED (
  SELECT transaction_id, max(position) + 1 AS positions
    FROM movements
   WHERE transaction_id IN (SELECT transaction_id FROM told)
   GROUP BY transaction_id
), added AS (
  INSERT INTO movements (transaction_id, key, occurred_at, asset_id, import_id, position, kind,
                         amount, address, counterparty)
  SELECT told.transaction_id, told.key, t.occurred_at, told.asset_id, :import_id,
         coalesce(had.positions, 0)
           + row_number() OVER (PARTITION BY told.transaction_id
                                ORDER BY told.kind, told.line, told.number) - 1,
         told.kind, told.amount, told.address, told.counterparty
    FROM told
    JOIN transactions t ON t.id = told.transaction_id
    LEFT JOIN had ON had.transaction_id = told.transaction_id
      ON CONFLICT (transaction_id, key) DO NOTHING
  RETURNING transaction_id, key
), brought AS (
  SELECT DISTINCT told.line FROM told JOIN added USING (transaction_id, key)
), moving AS (
  SELECT DISTINCT line FROM staged_movements
)
UPDATE staged_rows s
   SET outcome = CASE WHEN s.created OR brought.line IS NOT NULL
                      THEN 'imported' ELSE 'duplicate' END::row_outcome,
       reason = CASE WHEN NOT s.created AND moving.line IS NULL
                     THEN 'moves nothing, and its transaction is in the ledger already' END
  FROM staged_rows r
  LEFT JOIN brought USING (line)
  LEFT JOIN moving USING (line)
 WHERE s.line = r.line AND s.outcome IS NULL;
