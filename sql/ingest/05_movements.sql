-- Movements that the ledger does not have yet, behind those that it has; then the rows' outcomes:
-- a row came in if it created its transaction or brought a movement; else it is a duplicate, for
-- the ledger knew all that it tells. A new transaction has no movements, and nobody else sees it:
-- there is nothing to look out for.
WITH told AS MATERIALIZED (
  SELECT DISTINCT ON (k.transaction_id, m.key)
         k.transaction_id, k.created, k.occurred_at, m.key, m.kind, a.asset_id, m.amount,
         m.address, m.counterparty, m.line, m.number
    FROM staged_movements m
    JOIN staged_rows s USING (line)
    JOIN staged_known k USING (identity)
    JOIN known_assets a ON a.number = m.asset
   WHERE s.outcome IS NULL
   ORDER BY k.transaction_id, m.key, m.line, m.number
), first AS (
  INSERT INTO movements (transaction_id, key, occurred_at, asset_id, import_id, position, kind,
                         amount, address, counterparty)
  SELECT transaction_id, key, occurred_at, asset_id, :import_id,
         row_number() OVER (PARTITION BY transaction_id ORDER BY kind, line, number) - 1,
         kind, amount, address, counterparty
    FROM told
   WHERE created
), had AS MATERIALIZED (
  SELECT transaction_id, max(position) + 1 AS positions
    FROM movements
   WHERE transaction_id IN (SELECT transaction_id FROM staged_known WHERE NOT created)
   GROUP BY transaction_id
), added AS (
  INSERT INTO movements (transaction_id, key, occurred_at, asset_id, import_id, position, kind,
                         amount, address, counterparty)
  SELECT told.transaction_id, told.key, told.occurred_at, told.asset_id, :import_id,
         coalesce(had.positions, 0)
           + row_number() OVER (PARTITION BY told.transaction_id
                                ORDER BY told.kind, told.line, told.number) - 1,
         told.kind, told.amount, told.address, told.counterparty
    FROM told
    LEFT JOIN had ON had.transaction_id = told.transaction_id
   WHERE NOT told.created
      ON CONFLICT (transaction_id, key) DO NOTHING
  RETURNING transaction_id, key
), brought AS (
  SELECT line FROM told WHERE created
   UNION
  SELECT told.line FROM told JOIN added USING (transaction_id, key)
), rows AS (
  SELECT s.line, s.outcome, s.moves, k.transaction_id,
         k.created AND s.line = min(s.line) OVER (PARTITION BY k.transaction_id) AS created
    FROM staged_rows s
    LEFT JOIN staged_known k ON k.identity = s.identity AND s.outcome IS NULL
)
INSERT INTO staged_outcomes
SELECT r.line, r.transaction_id,
       CASE WHEN r.outcome IS NOT NULL THEN r.outcome
            WHEN r.created OR brought.line IS NOT NULL THEN 'imported'
            ELSE 'duplicate' END,
       r.outcome IS NULL AND NOT r.created AND NOT r.moves
  FROM rows r
  LEFT JOIN brought USING (line);
